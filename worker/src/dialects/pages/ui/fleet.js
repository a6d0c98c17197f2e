// The table of all hosts. A row is empty but for its name until it comes into view; cells are written when what they show
// changes, at most once a frame, and only where somebody can see them. Names are other people's text: textContent alone.

import { ago, bytes, duration, percent, rate } from "./words.js";

/** As many hosts as the server counts of a window. */
const MAX_WINDOW = 50;
/** Ages are written anew this often, and rows sorted by what changes are sorted anew this often: not under anybody's mouse. */
const AGE_MS = 5_000;
const SORT_MS = 10_000;
const STATES = { online: "online", offline: "offline", never: "never reported" };
const NOT_KNOWN = "–";
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** The columns: what the head says, what rows are sorted by, how a cell is written. */
const COLUMNS = [
  { key: "name", head: "Host", sort: (host) => host.name },
  meter("cpu", "CPU", (host) => host.cpu_percent, () => ""),
  meter("mem", "Memory", (host) => percent(host.mem_used_bytes, host.mem_total_bytes), (host) => of(host, "mem")),
  meter("swap", "Swap", (host) => percent(host.swap_used_bytes, host.swap_total_bytes), (host) => of(host, "swap")),
  meter("disk", "Disk", (host) => percent(host.disk_used_bytes, host.disk_total_bytes), (host) => of(host, "disk")),
  text("load", "Load", (host) => host.load1, (host) => (Number.isFinite(host.load1) ? host.load1.toFixed(2) : "")),
  text("down", "Down", (host) => host.net_in_bytes_per_s, (host) => rate(host.net_in_bytes_per_s)),
  text("up", "Up", (host) => host.net_out_bytes_per_s, (host) => rate(host.net_out_bytes_per_s)),
  text("uptime", "Uptime", (host) => host.uptime_s, (host) => duration(host.uptime_s)),
  text("seen", "Seen", (host) => host.last_seen_s, (host, now) => ago(now - host.last_seen_s)),
];

function of(host, what) {
  return `${bytes(host[`${what}_used_bytes`])} of ${bytes(host[`${what}_total_bytes`])}`;
}

function text(key, head, sort, words) {
  return { key, head, sort, words };
}

function meter(key, head, sort, title) {
  return { key, head, sort, title, meter: true };
}

function element(name, className, parent) {
  const made = document.createElement(name);
  if (className) made.className = className;
  parent?.append(made);
  return made;
}

export class Fleet {
  #hosts = new Map();
  #rows = new Map();
  #visible = new Set();
  #dirty = new Set();
  #frame = 0;
  #filter = "";
  #sort = { key: "name", down: false };
  #offset_ms = 0;
  #page;
  #shown;
  #observer;
  #windowTimer;

  /** `page` has the elements by id; `shown` is told which hosts are in view. */
  constructor(page, shown) {
    this.#page = page;
    this.#shown = shown;
    this.#observer = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "100px 0px" });
    for (const column of COLUMNS) this.#headCell(column);
    page.filter.addEventListener("input", () => {
      this.#filter = page.filter.value.trim().toLowerCase();
      this.#rows.forEach((row, id) => this.#filterRow(row, this.#hosts.get(id)));
      this.#count();
    });
    setInterval(() => !document.hidden && this.#visible.forEach((id) => this.#touch(id)), AGE_MS);
    setInterval(() => !document.hidden && this.#sort.key !== "name" && this.#order(), SORT_MS);
  }

  /** Takes a message of the server in. */
  take(message) {
    if (!Array.isArray(message.hosts)) return;
    if (Number.isFinite(message.now_ms)) this.#offset_ms = message.now_ms - Date.now();
    if (message.type === "snapshot") {
      const named = new Set(message.hosts.map((host) => host.id));
      for (const id of [...this.#hosts.keys()]) if (!named.has(id)) this.#remove(id);
    } else if (message.type !== "delta") return;
    let moved = false;
    for (const host of message.hosts) moved = this.#put(host) || moved;
    for (const id of message.gone ?? []) this.#remove(id);
    if (moved || message.type === "snapshot") this.#order();
    this.#count();
  }

  clear() {
    for (const id of [...this.#hosts.keys()]) this.#remove(id);
  }

  /** Whether the row has to find its place. */
  #put(host) {
    const before = this.#hosts.get(host.id);
    this.#hosts.set(host.id, host);
    let row = this.#rows.get(host.id);
    if (!row) {
      row = { tr: element("tr"), cells: null, shown: {}, name: null };
      row.tr.setAttribute("role", "row");
      row.tr.dataset.id = host.id;
      row.name = element("th", "name", row.tr);
      row.name.scope = "row";
      row.name.setAttribute("role", "rowheader");
      row.name.textContent = host.name;
      this.#rows.set(host.id, row);
      this.#observer.observe(row.tr);
    }
    this.#filterRow(row, host);
    if (this.#visible.has(host.id)) this.#touch(host.id);
    return !before || before.name !== host.name || before.display_index !== host.display_index;
  }

  #remove(id) {
    const row = this.#rows.get(id);
    if (row) this.#observer.unobserve(row.tr);
    row?.tr.remove();
    for (const known of [this.#rows, this.#hosts, this.#visible, this.#dirty]) known.delete(id);
  }

  /** Puts the rows in order; moves none that stands right. */
  #order() {
    const { key, down } = this.#sort;
    const by = COLUMNS.find((column) => column.key === key).sort;
    const named = (one, other) => collator.compare(one.name, other.name) || one.id - other.id;
    const compare = (one, other) => {
      if (key === "name") {
        return down ? -named(one, other) : (other.display_index ?? 0) - (one.display_index ?? 0) || named(one, other);
      }
      const [a, b] = [by(one), by(other)].map((value) => (Number.isFinite(value) ? value : -1));
      return (down ? b - a : a - b) || named(one, other);
    };
    let at = this.#page.rows.firstChild;
    for (const host of [...this.#hosts.values()].sort(compare)) {
      const { tr } = this.#rows.get(host.id);
      if (tr === at) at = at.nextSibling;
      else this.#page.rows.insertBefore(tr, at);
    }
    this.#tellWindow();
  }

  #filterRow(row, host) {
    if (this.#filter === "") {
      if (row.tr.hidden) row.tr.hidden = false;
      return;
    }
    const words = [host.name, host.tag, host.presence, host.platform, host.public_id].join(" ").toLowerCase();
    row.tr.hidden = !this.#filter.split(/\s+/).every((word) => words.includes(word));
  }

  #count() {
    const hosts = [...this.#hosts.values()];
    const counts = { online: 0, offline: 0, never: 0 };
    for (const host of hosts) counts[host.presence] += 1;
    const words = Object.keys(counts).filter((presence) => presence !== "never" || counts.never > 0);
    const parts = words.map((presence) => {
      const part = element("span", counts[presence] > 0 ? presence : "");
      part.textContent = `${counts[presence]} ${STATES[presence]}`;
      return part;
    });
    const text = parts.map((part) => part.textContent).join(" · ");
    if (this.#page.counts.textContent !== text) {
      this.#page.counts.replaceChildren(...parts.flatMap((part, at) => (at > 0 ? [" · ", part] : [part])));
    }
    const left = [...this.#rows.values()].some((row) => !row.tr.hidden);
    this.#page.empty.hidden = left;
    this.#page.empty.textContent =
      hosts.length > 0
        ? "No host fits the filter."
        : "No hosts yet. One is added by running /install.sh of this address on it with a token.";
  }

  #headCell(column) {
    const th = element("th", column.key, this.#page.head);
    th.scope = "col";
    th.setAttribute("role", "columnheader");
    const button = element("button", "", th);
    button.type = "button";
    button.textContent = column.head;
    const mark = () => {
      const own = this.#sort.key === column.key;
      th.setAttribute("aria-sort", own ? (this.#sort.down ? "descending" : "ascending") : "none");
    };
    button.addEventListener("click", () => {
      const own = this.#sort.key === column.key;
      this.#sort = { key: column.key, down: own ? !this.#sort.down : column.key !== "name" };
      this.#page.head.dispatchEvent(new Event("sorted"));
      this.#order();
    });
    this.#page.head.addEventListener("sorted", mark);
    mark();
  }

  #seen(entries) {
    for (const entry of entries) {
      const id = Number(entry.target.dataset.id);
      if (!this.#rows.has(id)) continue;
      if (entry.isIntersecting) {
        this.#visible.add(id);
        this.#touch(id);
      } else this.#visible.delete(id);
    }
    this.#tellWindow();
  }

  #tellWindow() {
    if (this.#windowTimer) return;
    this.#windowTimer = setTimeout(() => {
      this.#windowTimer = undefined;
      const ids = [...this.#visible].map((id) => [this.#rows.get(id)?.tr.offsetTop ?? 0, id]);
      ids.sort(([one], [other]) => one - other);
      this.#shown(ids.slice(0, MAX_WINDOW).map(([, id]) => id));
    }, 400);
  }

  #touch(id) {
    this.#dirty.add(id);
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const now_s = (Date.now() + this.#offset_ms) / 1000;
      for (const dirty of this.#dirty) {
        const [row, host] = [this.#rows.get(dirty), this.#hosts.get(dirty)];
        if (row && host && this.#visible.has(dirty)) this.#write(row, host, now_s);
      }
      this.#dirty.clear();
    });
  }

  #write(row, host, now_s) {
    row.cells ??= fill(row);
    const { cells, shown } = row;
    const set = (key, value, write) => {
      if (shown[key] === value) return;
      shown[key] = value;
      write(value);
    };
    const words = (key, node, value) => set(key, value, () => (node.textContent = value));
    set("presence", host.presence, (presence) => (row.tr.dataset.presence = presence));
    words("state", cells.state, STATES[host.presence] ?? host.presence);
    words("name", cells.name, host.name);
    words("tag", cells.tag, host.tag ?? "");
    const about = [host.platform, host.platform_version, host.arch, host.virtualization].filter(Boolean).join(" ");
    set("about", about, () => (row.name.title = about));
    for (const column of COLUMNS.slice(1)) {
      const cell = cells[column.key];
      if (!column.meter) {
        words(column.key, cell, column.words(host, now_s) || NOT_KNOWN);
        continue;
      }
      const value = column.sort(host);
      const known = Number.isFinite(value);
      words(column.key, cell.label, known ? `${value.toFixed(value < 10 ? 1 : 0)} %` : NOT_KNOWN);
      cell.bar.hidden = !known;
      set(`${column.key}.bar`, known ? Math.round(value) : -1, (part) => {
        cell.bar.style.setProperty("--part", Math.max(0, part / 100));
        cell.bar.dataset.level = part >= 90 ? "high" : part >= 75 ? "raised" : "";
      });
      set(`${column.key}.title`, known ? column.title(host) : "", (title) => (cell.td.title = title));
    }
  }
}

/** The rest of a row that comes into view for the first time. */
function fill(row) {
  row.name.textContent = "";
  const cells = {
    dot: element("span", "dot", row.name),
    name: element("span", "label", row.name),
    tag: element("span", "tag", row.name),
    state: element("span", "unseen", row.name),
  };
  cells.dot.setAttribute("aria-hidden", "true");
  for (const column of COLUMNS.slice(1)) {
    const td = element("td", column.key, row.tr);
    td.setAttribute("role", "cell");
    td.dataset.head = column.head;
    if (!column.meter) {
      cells[column.key] = element("span", "", td);
      continue;
    }
    const label = element("span", "value", td);
    const bar = element("span", "meter", td);
    bar.setAttribute("aria-hidden", "true");
    cells[column.key] = { td, label, bar };
  }
  return cells;
}
