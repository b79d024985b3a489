// Sorting of tables by a click on a heading, and all parts unfolded on paper.
const known = text => {
  const found = text.replaceAll(",", "").replace("−", "-").match(/^\s*-?\d+(\.\d+)?/);
  return found ? Number(found[0]) : NaN;
};
const before = (a, b) => {
  const [x, y] = [known(a), known(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
};
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const falling = head.getAttribute("aria-sort") === "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => before(a.cells[column].innerText, b.cells[column].innerText) * (falling ? -1 : 1));
    table.tBodies[0].append(...rows);
  }));
}
const folded = [];
addEventListener("beforeprint", () => document.querySelectorAll("details:not([open])").forEach(part => {
  folded.push(part);
  part.open = true;
}));
addEventListener("afterprint", () => folded.splice(0).forEach(part => { part.open = false; }));
