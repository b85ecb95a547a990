"use strict";
(() => {
  const find = (selector) => document.querySelector(selector);
  const data = JSON.parse(find("#data").textContent);
  const table = find("table"), main = find("main"), why = find("#why");
  const query = find("#query"), choice = find("#choice"), clear = find("#clear");
  const heads = [...table.tHead.rows[0].cells].slice(1);
  const rows = [...table.querySelectorAll("tr.row")].map((row, number) => {
    const { name, requires, cells } = data.routes[number];
    const text = `${name} ${requires}`.toLowerCase(), boxes = [...row.cells].slice(1);
    return { row, name, requires, cells, text, boxes };
  });
  const groups = [...table.tBodies].filter((body) => body.rows[0]?.className === "group");
  const shown = data.callers.map(() => true);
  let current = null;  // the cell that the Tab key reaches
  let chosen = null;  // the cell whose reason is shown

  const getDoor = () => Number((find("[name=door]:checked")?.id ?? "door0").slice(4));
  const getAnswer = (row, column, door) => data.answers[row.cells[column][door]];
  const listColumns = () => shown.flatMap((is, column) => (is ? [column] : []));
  const listRows = () => rows.filter(({ row }) => !row.hidden);

  /* Filters */

  const hasWord = (row, columns, ...words) =>
    columns.some((column) => words.includes(getAnswer(row, column, getDoor()).word));
  const nobody = data.callers.flatMap((caller, column) => (caller.nobody ? [column] : []));
  const tests = {
    all: () => true,
    open: (row) => hasWord(row, nobody, "yes"),
    some: (row, columns) => hasWord(row, columns, "yes"),
    none: (row, columns) => !hasWord(row, columns, "yes", "check"),
    check: (row, columns) => hasWord(row, columns, "check"),
    differs: (row, columns) => columns.some((column) => row.boxes[column].classList.contains("differs")),
  };

  function filter() {
    const door = getDoor(), parts = query.value.toLowerCase().split(/\s+/), columns = listColumns();
    const known = rows.filter((row) => row.cells[0][door] >= 0);
    const matching = known.filter((row) => parts.every((part) => row.text.includes(part)))
      .filter((row) => tests[choice.value](row, columns));
    for (const row of rows) row.row.hidden = !matching.includes(row);
    for (const body of groups) {
      body.rows[0].hidden = ![...body.rows].slice(1).some((row) => !row.hidden);
    }
    find("#count").textContent =
      `${matching.length} of ${known.length} routes, ${columns.length} of ${shown.length} callers`;
    find("#empty").hidden = matching.length > 0;
    clear.disabled = !query.value && choice.value === "all" && columns.length === shown.length;
    keepCells();
  }

  /* After a filter, a cell that is hidden can neither be reached by Tab nor be explained. */
  function keepCells() {
    const isThere = (place) => place && !place.row.row.hidden && shown[place.column];
    if (!isThere(chosen)) close();
    else explain(chosen);
    if (isThere(current)) return;
    const [row] = listRows(), [column] = listColumns();
    setCurrent(row && column !== undefined ? { row, column } : null);
  }

  function showColumn(column, is) {
    shown[column] = is;
    heads[column].hidden = !is;
    for (const { boxes } of rows) boxes[column].hidden = !is;
    boxes[column].checked = is;
  }

  function showEvery(is) {
    shown.forEach((_, column) => showColumn(column, is));
    filter();
  }

  const boxes = data.callers.map(({ name }, column) => {
    const label = document.createElement("label"), box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.autocomplete = "off";
    box.addEventListener("change", () => { showColumn(column, box.checked); filter(); });
    label.append(box, name);
    find("#callers fieldset").append(label);
    return box;
  });

  /* Cells */

  function setCurrent(place) {
    if (current) current.row.boxes[current.column].removeAttribute("tabindex");
    current = place;
    if (current) current.row.boxes[current.column].tabIndex = 0;
  }

  function focus(place) {
    setCurrent(place);
    if (chosen) explain(place);
    const box = place.row.boxes[place.column];
    box.focus({ preventScroll: true });
    scrollTo(box);
  }

  /* Scroll a cell out from under the fixed row and the fixed column, and the table from under the reason. */
  function scrollTo(box) {
    const area = main.getBoundingClientRect(), cell = box.getBoundingClientRect();
    const top = area.top + table.tHead.offsetHeight, bottom = area.top + main.clientHeight;
    const left = area.left + table.tHead.rows[0].cells[0].offsetWidth, right = area.left + main.clientWidth;
    const down = cell.top < top ? cell.top - top : Math.max(0, cell.bottom - bottom);
    const across = cell.left < left ? cell.left - left : Math.max(0, cell.right - right);
    main.scrollBy(across, down);
    const end = why.hidden ? innerHeight : why.getBoundingClientRect().top;
    scrollBy(0, area.bottom > end ? area.bottom - end : Math.min(0, area.top));
  }

  function move(event) {
    const columns = listColumns(), list = listRows(), last = [columns.length - 1, list.length - 1];
    const [x, y] = [columns.indexOf(current.column), list.indexOf(current.row)];
    const whole = event.ctrlKey || event.metaKey;
    const to = {
      ArrowLeft: [x - 1, y], ArrowRight: [x + 1, y], ArrowUp: [x, y - 1], ArrowDown: [x, y + 1],
      PageUp: [x, y - 10], PageDown: [x, y + 10],
      Home: [0, whole ? 0 : y], End: [last[0], whole ? last[1] : y],
    }[event.key];
    if (!to || event.altKey) return;
    event.preventDefault();
    const [column, row] = to.map((place, axis) => Math.max(0, Math.min(last[axis], place)));
    focus({ row: list[row], column: columns[column] });
  }

  function findPlace(target) {
    const box = target.closest("td"), row = box && rows.find((each) => each.row === box.parentElement);
    return row ? { row, column: row.boxes.indexOf(box) } : null;
  }

  /* Reasons */

  function explain(place) {
    const { row, column } = place, caller = data.callers[column], answer = getAnswer(row, column, getDoor());
    if (chosen) chosen.row.boxes[chosen.column].classList.remove("chosen");
    chosen = place;
    row.boxes[column].classList.add("chosen");
    const sign = build("span", answer.word);
    sign.className = `answer ${answer.style}`;
    find("#why h2").replaceChildren(sign, ` ${caller.name}, at ${row.name}`);
    const facts = [
      ["Answer", [answer.words, " ", build("code", answer.code)]],
      [answer.word === "check" ? "Check" : "Not met", [answer.rule === row.requires ? "" : answer.rule]],
      ["The route requires", [row.requires]],
      ["The caller", [caller.words]],
      ["At other doors", [data.doors.length > 1 ? compareDoors(row, column) : ""]],
    ];
    find("#why dl").replaceChildren(...facts.filter(([, [fact]]) => fact).map(([name, fact]) => {
      const item = build("div"), value = build("dd");
      value.append(...fact);
      item.append(build("dt", name), value);
      return item;
    }));
    why.hidden = false;
    main.classList.add("above");
  }

  function compareDoors(row, column) {
    const here = getAnswer(row, column, getDoor());
    const others = data.doors.map((name, door) => [name, getAnswer(row, column, door)]);
    others.splice(getDoor(), 1);
    if (others.every(([, answer]) => answer === here)) return "the same";
    const list = build("ul");
    for (const [name, answer] of others) {
      const text = answer === here ? "the same" : answer?.short ?? "no such route";
      const item = build("li", `${name}: ${text} `);
      if (answer && answer.code !== here.code) item.append(build("code", answer.code));
      list.append(item);
    }
    return list;
  }

  function build(name, text = "") {
    const element = document.createElement(name);
    element.textContent = text;
    return element;
  }

  function close() {
    if (!chosen) return;
    const box = chosen.row.boxes[chosen.column], inside = why.contains(document.activeElement);
    box.classList.remove("chosen");
    chosen = null;
    why.hidden = true;
    main.classList.remove("above");
    if (inside) box.focus();
  }

  /* Events */

  table.addEventListener("click", (event) => {
    const place = findPlace(event.target);
    if (!place) return;
    chosen ??= place;
    focus(place);
  });
  table.addEventListener("keydown", (event) => {
    const place = findPlace(event.target);
    if (place && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      chosen ??= place;
      focus(place);
      find("#why h2").focus();
    } else if (place) move(event);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (find("#callers").open) { find("#callers").open = false; find("summary").focus(); } else close();
  });
  document.addEventListener("click", (event) => {
    if (!find("#callers").contains(event.target)) find("#callers").open = false;
  });
  find("#close").addEventListener("click", close);
  find("#every").addEventListener("click", () => showEvery(true));
  find("#no").addEventListener("click", () => showEvery(false));
  clear.addEventListener("click", () => {
    query.value = "";
    choice.value = "all";
    showEvery(true);
    query.focus();
  });
  for (const control of [query, choice, ...document.querySelectorAll("[name=door]")]) {
    control.addEventListener("input", filter);
  }

  const has = { open: nobody.length > 0, check: !!find("td .check"), differs: !!find("td.differs") };
  for (const option of [...choice.options]) if (has[option.value] === false) option.remove();
  table.setAttribute("role", "grid");
  table.classList.add("scripted");
  table.caption.append(". Arrow keys move from cell to cell, Enter tells why.");
  main.removeAttribute("tabindex");
  find(".filters").hidden = false;
  filter();
})();
