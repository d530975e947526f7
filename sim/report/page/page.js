"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // The contents and the folds of a phone
  const narrow = matchMedia("(max-width: 64rem)");
  const fold = () => { document.querySelector("nav details").open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();
  const unfold = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();

  // The values of all curves at the pointer, with their 95% intervals
  const tip = document.body.appendChild(Object.assign(document.createElement("div"), { className: "tip", hidden: true }));
  // Where a path crosses x, in thousandths of the height: an area there along its upper line, back along its lower one
  const crossings = (path, x) => {
    const found = [];
    let from = null;
    for (const [, kind, numbers] of path.getAttribute("d").matchAll(/([MLHV])([^MLHVz]*)/g)) {
      const [a, b] = numbers.split(" ").map(Number), to = kind === "H" ? [a, from[1]] : kind === "V" ? [from[0], a] : [a, b];
      if (kind !== "M" && (from[0] <= x) !== (to[0] <= x)) {
        found.push(from[1] + ((to[1] - from[1]) * (x - from[0])) / (to[0] - from[0]));
      }
      from = to;
    }
    return found;
  };
  for (const drawing of all("svg.drawing")) {
    const curves = all(".curve[data-name]", drawing), bands = all("[data-interval-of]", drawing);
    if (!curves.length) continue;
    const [[left, right], [low, high]] = [drawing.dataset.x, drawing.dataset.y].map((ends) => ends.split(" ").map(Number));
    const isPercent = drawing.dataset.percent === "1";
    const write = (y) => {
      const value = high - ((high - low) * y) / 1000;
      return isPercent ? (100 * value).toFixed(1) : value.toLocaleString("en", { maximumSignificantDigits: 4 });
    };
    drawing.addEventListener("pointermove", (event) => {
      const box = drawing.getBoundingClientRect(), x = (1000 * (event.clientX - box.left)) / box.width;
      tip.hidden = x < 0 || x > 1000 || event.clientY > box.top + Number(drawing.dataset.height);
      if (tip.hidden) return;
      const here = left + ((right - left) * x) / 1000;
      const at = `${drawing.dataset.title}: ${here.toLocaleString("en", { maximumSignificantDigits: 3 })}`;
      tip.replaceChildren(at, ...curves.flatMap((curve) => {
        const { name } = curve.dataset, place = Math.min(x, 999.99); // the end of a path is no crossing
        const [y] = crossings(curve, place), band = bands.find((one) => one.dataset.intervalOf === name);
        if (y === undefined) return [];
        const line = document.createElement("div"), [upper, lower] = band ? crossings(band, place) : [];
        line.append(Object.assign(document.createElement("i"), { style: `background:${curve.getAttribute("stroke")}` }),
          `${write(y)}${isPercent ? "%" : ""} ${lower > upper ? `(${write(lower)} to ${write(upper)}) ` : ""}${name}`);
        return [line];
      }));
      tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
      tip.style.top = `${event.clientY + 14 + scrollY}px`;
    });
    drawing.addEventListener("pointerleave", () => { tip.hidden = true; });
  }

  // A chart as an SVG of its own: every word and shape where it stands, in the colours that it has
  const standalone = (chart) => {
    const box = chart.getBoundingClientRect(), out = document.createElementNS(SVG, "svg");
    const width = Math.ceil(box.width) + 16, height = Math.ceil(box.height) + 8;
    const make = (name, attributes, parent = out) => {
      const node = parent.appendChild(document.createElementNS(SVG, name));
      for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
      return node;
    };
    for (const [key, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}`, "font-family": "sans-serif", "font-size": 12 })) out.setAttribute(key, value);
    out.append(document.querySelector(".definitions defs").cloneNode(true));
    make("rect", { width, height, fill: getComputedStyle(document.body).backgroundColor });
    const place = (svg) => {
      const at = svg.getBoundingClientRect(), copy = svg.cloneNode(true);
      const inside = all("*", copy);
      all("*", svg).forEach((node, i) => {
        const style = getComputedStyle(node);
        for (const key of ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "stroke-linecap", "text-anchor", "dominant-baseline", "font-weight", "vector-effect", "color", "overflow"]) {
          if (style.getPropertyValue(key) && !inside[i].hasAttribute(key)) inside[i].setAttribute(key, style.getPropertyValue(key));
        }
      });
      copy.removeAttribute("class");
      copy.removeAttribute("style");
      for (const [key, value] of Object.entries({ x: at.left - box.left + 4, y: at.top - box.top + 4, width: at.width, height: at.height, overflow: "visible" })) copy.setAttribute(key, value);
      out.append(copy);
    };
    all("svg", chart).filter((svg) => !svg.parentElement.closest("svg")).forEach(place);
    const texts = document.createTreeWalker(chart, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const node = texts.currentNode, range = document.createRange();
      if (!node.data.trim() || node.parentElement.closest("svg")) continue;
      range.selectNodeContents(node);
      const at = range.getClientRects()[0];
      if (at) {
        make("text", { x: at.left - box.left + 4, y: at.bottom - box.top + 1, fill: getComputedStyle(node.parentElement).color })
          .textContent = node.data.trim();
      }
    }
    return new XMLSerializer().serializeToString(out);
  };
  window.standalone = standalone;
  for (const figure of all("figure")) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "save", textContent: "Save as SVG" });
    button.addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([standalone(figure.querySelector(".chart"))], { type: "image/svg+xml" }));
      link.download = `${figure.querySelector("h3").textContent}.svg`;
      link.click();
    });
    figure.querySelector(".numbers").append(button);
  }

  // The census of a day, all arms at once
  for (const box of all(".census")) {
    const { places, arms, step } = JSON.parse(box.querySelector("script").textContent);
    const inputs = all("input", box), range = inputs[1];
    const cells = places.map(([name, kind]) => {
      const row = box.querySelector("tbody").insertRow();
      row.className = kind;
      row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: name }));
      return arms.map(() => row.insertCell());
    });
    const show = (day) => {
      const counts = places.map((_, i) => arms.map(([, patients]) => patients[i][Math.floor(day / step)]));
      const most = Math.max(1, ...counts.flat());
      cells.forEach((row, i) => row.forEach((cell, arm) => {
        cell.textContent = counts[i][arm].toLocaleString("en");
        cell.style.backgroundSize = `${(100 * counts[i][arm]) / most}% 100%`;
      }));
    };
    for (const input of inputs) {
      input.addEventListener("input", () => {
        const day = Math.min(Number(range.max), Math.max(0, Math.round(Number(input.value) || 0)));
        for (const other of inputs) if (other !== input) other.value = day;
        show(day);
      });
    }
    show(Number(range.value));
  }

  const reachable = () => {
    for (const box of all(".scrolls, .chart.wide")) {
      if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  document.addEventListener("toggle", reachable, true);
  addEventListener("resize", reachable);
  reachable();
})();
