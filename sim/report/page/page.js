"use strict";
(() => {
  const PRINTED = 680; // pixels between the margins of a sheet of A4
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
