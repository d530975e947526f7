"use strict";
(() => {
  const PRINTED = 680; // pixels between the margins of a sheet of A4
  const NAMED = 12; // patient numbers listed in each place
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const hovers = window.matchMedia("(hover: hover)").matches;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dress = () => ({
    "font.color": colour("--ink"), "hoverlabel.bgcolor": colour("--paper"), "hoverlabel.font.color": colour("--ink"),
  });
  const charts = [...document.querySelectorAll(".chart")];

  for (const chart of charts) {
    const data = chart.querySelector("script");
    const figure = JSON.parse(data.textContent);
    figure.layout.font.color = colour("--ink");
    figure.layout.hoverlabel = { bgcolor: colour("--paper"), font: { color: colour("--ink") } };
    figure.layout.dragmode = hovers ? "zoom" : false; // a finger scrolls the page
    data.remove();
    Plotly.newPlot(chart, figure.data, figure.layout, {
      responsive: true,
      displaylogo: false,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "pan2d", "zoomIn2d", "zoomOut2d"],
      toImageButtonOptions: { format: "svg" },
    });
  }

  for (const box of document.querySelectorAll(".census")) {
    const { places, patients } = JSON.parse(box.querySelector("script").textContent);
    const [number, range] = box.querySelectorAll("input");
    const cells = places.map(([name, kind]) => {
      const row = box.querySelector("tbody").insertRow();
      row.className = kind;
      row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: name }));
      return [row.insertCell(), row.insertCell()];
    });
    const show = (day) => {
      const there = places.map(() => []);
      for (const [patient, ...moves] of patients) {
        let place = -1;
        for (let i = 0; i < moves.length && moves[i] <= day; i += 2) place = moves[i + 1];
        if (place >= 0) there[place].push(patient);
      }
      const most = Math.max(1, ...there.map((list) => list.length));
      there.forEach((list, i) => {
        const [count, names] = cells[i];
        count.textContent = list.length.toLocaleString("en");
        count.style.backgroundSize = `${(100 * list.length) / most}% 100%`;
        names.textContent = list.slice(0, NAMED).join(", ") + (list.length > NAMED ? " and more" : "");
      });
      const sum = (kind) => there.reduce((n, list, i) => n + (places[i][1] === kind ? list.length : 0), 0);
      box.querySelector(".counts").textContent =
        `Day ${day}: ${sum("in") + sum("waiting")} patients in the pathway, ${sum("waiting")} of them waiting; ` +
        `${sum("ended")} have reached an end.`;
    };
    for (const input of [number, range]) {
      input.addEventListener("input", () => {
        const day = Math.min(Number(range.max), Math.max(0, Math.round(Number(input.value) || 0)));
        (input === number ? range : number).value = day;
        show(day);
      });
    }
    show(Number(range.value));
  }

  const resize = (width) => // what is wide is scaled by the style sheet
    charts.filter((chart) => chart.closest(".wide") === null)
      .map((chart) => Plotly.relayout(chart, { width, autosize: width === null }));
  dark.addEventListener("change", () => charts.map((chart) => Plotly.relayout(chart, dress())));
  window.addEventListener("beforeprint", () => resize(PRINTED));
  window.addEventListener("afterprint", () => resize(null));
  const reachable = () => {
    for (const box of document.querySelectorAll(".scrolls, .frame.wide")) {
      if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  document.addEventListener("toggle", reachable, true);
  window.addEventListener("resize", reachable);
  reachable();
  document.documentElement.dataset.drawn = String(charts.length);
})();
