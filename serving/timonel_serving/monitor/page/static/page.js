// Small enhancements of a page that the server renders: pictures with one cursor, refreshing in place.
"use strict";
(() => {
  const REFRESH = 15000, LEAST_DRAG = 8;
  const parts = new Map();      // what each part was when the server sent it
  const drawn = new Map();      // the pictures in time, by name
  let plan = null;              // time axis and charts
  let heard = Date.now();       // when the monitor last answered
  let asking = null;

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const css = name => {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const faded = (colour, share) => {
    const [r, g, b] = colour.match(/[\d.]+/g).map(Number);
    return `rgba(${r},${g},${b},${share})`;
  };

  // ---- times: UTC as everywhere in the service's logs and alerts, the viewer's zone on hover
  const ago = seconds => {
    if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s ago`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
    if (seconds < 172800) return `${Math.round(seconds / 3600)} h ago`;
    return `${Math.round(seconds / 86400)} days ago`;
  };
  const tellTimes = root => all("time", root).forEach(one => {
    const moment = new Date(one.dateTime);
    const here = moment.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const age = "age" in one.dataset ? `, ${ago((Date.now() - moment) / 1000)}` : "";
    one.title = `${here} in your zone (${zone})${age}`;
  });

  // ---- pictures
  const colours = () => ({
    a: css("accent"), b: css("contrast"), c: css("ink"), d: css("muted"),
    grid: css("grid"), muted: css("muted"), ink: css("ink"), surface: css("surface"),
  });
  const hatch = (u, from, colour) => {
    const left = Math.max(u.valToPos(from, "x", true), u.bbox.left);
    const { top, height } = u.bbox, right = u.bbox.left + u.bbox.width;
    if (left >= right) return;
    const ctx = u.ctx, step = 7 * devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, right - left, height);
    ctx.clip();
    ctx.strokeStyle = colour;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    for (let x = left - height; x < right; x += step) {
      ctx.moveTo(x, top + height);
      ctx.lineTo(x + height, top);
    }
    ctx.moveTo(left, top);
    ctx.lineTo(left, top + height);
    ctx.stroke();
    ctx.restore();
  };
  const alone = (u, index) => {
    const y = u.data[index];
    return y.flatMap((v, i) => v != null && y[i - 1] == null && y[i + 1] == null ? [i] : []);
  };
  const options = (chart, width, height, ink) => {
    const hidden = { stroke: "transparent", width: 0, points: { show: false } };
    const series = [{}, hidden, hidden], data = [chart.x, chart.high, chart.low];
    const bands = [{ series: [1, 2], fill: faded(ink.muted, 0.16) }];
    for (const line of chart.lines) {
      const at = data.push(line.value, line.upper, line.lower) - 3, stroke = ink[line.colour];
      series.push({
        stroke, width: line.colour === "c" ? 1.25 : 2, dash: line.dashed ? [6, 5] : undefined,
        points: { show: true, size: 5, filter: u => alone(u, at), fill: stroke },
        paths: line.stepped ? uPlot.paths.stepped({ align: -1 }) : undefined,
      }, hidden, hidden);
      if (line.banded) bands.push({ series: [at + 1, at + 2], fill: faded(stroke, line.colour === "a" ? 0.2 : 0.12) });
    }
    const axis = { stroke: ink.muted, font: "12px system-ui, sans-serif", ticks: { show: false } };
    const words = new Map(chart.ticks), days = new Map(shownTicks());
    const gutter = innerWidth > 760 ? 58 : 52;
    return [{
      width, height, series, bands, padding: [8, 0, 0, 0], legend: { show: false },
      scales: {
        x: { time: false, range: [plan.axis.start, plan.axis.end] },
        y: { range: chart.scale },
      },
      axes: [
        { ...axis, size: 24, gap: 6, align: 1, grid: { show: false }, splits: () => [...days.keys()], values: (u, at) => at.map(t => days.get(t)) },
        { ...axis, size: gutter, gap: 6, grid: { stroke: ink.grid, width: 1 }, splits: () => [...words.keys()], values: (u, at) => at.map(t => words.get(t)) },
      ],
      cursor: { drag: { x: !plan.axis.fixed, y: false, setScale: false, dist: LEAST_DRAG }, points: { size: 7 }, y: false },
      hooks: {
        drawClear: chart.immature ? [u => hatch(u, chart.immature, faded(ink.muted, 0.35))] : [],
        setSelect: [u => {
          if (u.select.width >= LEAST_DRAG) {
            zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
          }
        }],
      },
    }, data];
  };
  const shownTicks = () => {
    const { start, end, ticks } = plan.axis, most = innerWidth > 760 ? 8 : 4;
    const every = Math.ceil(ticks.length / most);
    return ticks.filter(([t], i) => i % every === 0 && (t - start) / (end - start) < 0.96);
  };
  const draw = holder => {
    const chart = plan.charts[holder.dataset.chart];
    drawn.get(holder.dataset.chart)?.plot.destroy();
    holder.replaceChildren();
    const [opts, data] = options(chart, holder.clientWidth, holder.clientHeight, colours());
    const plot = new uPlot(opts, data, holder);
    const rows = all("tbody tr", holder.closest("figure"));
    const heads = all("thead th", holder.closest("figure")).slice(1).map(h => h.textContent);
    drawn.set(holder.dataset.chart, { plot, holder, rows, heads, x: chart.x });
    plot.over.addEventListener("mousemove", event => point(event.offsetX / plot.over.clientWidth, plot));
    plot.over.addEventListener("mouseleave", () => point(null));
  };
  const drawAll = (root = document) => {
    if (!plan || !window.uPlot) return;
    for (const [name, { holder, plot }] of drawn) {
      if (!holder.isConnected) { plot.destroy(); drawn.delete(name); }
    }
    all("[data-chart]", root).forEach(draw);
  };

  // ---- one cursor for all
  const hairs = () => all(".strip.timed").map(strip => {
    let hair = strip.querySelector(".hair");
    if (!hair) {
      hair = document.createElement("i");
      hair.className = "hair";
      hair.hidden = true;
      strip.append(hair);
    }
    return hair;
  });
  const tell = one => {
    const i = one.plot.cursor.idx, readout = one.holder.closest("figure").querySelector(".readout");
    const row = i == null ? null : one.rows[one.x.length - 1 - i];
    readout.textContent = row ? `${row.cells[0].textContent} UTC: ` + [...row.cells].slice(1)
      .map((cell, j) => one.heads.length > 1 ? `${one.heads[j]} ${cell.textContent}` : cell.textContent).join(" · ") : "";
  };
  const point = (share, from = null) => {
    for (const hair of hairs()) {
      hair.hidden = share === null;
      hair.style.left = `${100 * share}%`;
    }
    for (const one of drawn.values()) {
      if (one.plot !== from) {
        one.plot.setCursor(share === null ? { left: -10, top: -10 }
          : { left: share * one.plot.over.clientWidth, top: 10 }, false);
      }
    }
    requestAnimationFrame(() => drawn.forEach(tell));
  };
  const step = (one, by) => {
    const last = one.x.length - 1, now = one.plot.cursor.idx;
    const i = Math.min(last, Math.max(0, now == null ? last : now + by));
    point((one.x[i] - plan.axis.start) / (plan.axis.end - plan.axis.start));
  };

  // ---- addresses: the state of the page is in them
  const stamp = seconds => new Date(Math.round(seconds / 60) * 60000).toISOString().slice(0, 16);
  const changed = values => {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(values)) {
      if (value) url.searchParams.set(name, value); else url.searchParams.delete(name);
    }
    return url;
  };
  const zoom = (start, end) => go(changed({ range: "", start: stamp(start), end: stamp(end), at: "" }));
  const go = url => {
    history.pushState(null, "", url);
    refresh(true);
  };

  // ---- refreshing in place: only the parts that changed, with what was open still open
  const place = root => {
    all("[data-style]", root).forEach(one => { one.style.cssText = one.dataset.style; });
    all("[data-place]", root).forEach(one => {
      const at = 100 * one.dataset.place, right = at > 50;
      one.classList.toggle("right", right);
      one.style[right ? "right" : "left"] = `${right ? 100 - at : at}%`;
    });
    all(".xaxis", root).forEach(one => {
      if (!plan) return;
      const { start, end } = plan.axis;
      one.replaceChildren(...shownTicks().map(([t, text]) => {
        const tick = document.createElement("span");
        tick.textContent = text;
        tick.style.left = `${100 * (t - start) / (end - start)}%`;
        return tick;
      }));
    });
    all(".step code", root).forEach(code => {
      if (code.nextElementSibling?.matches("button")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.className = "copy";
      code.after(" ", button);
    });
    tellTimes(root);
  };
  const remember = root => all("[data-part]", root).forEach(one => parts.set(one.id, one.outerHTML));
  const read = root => {
    const data = root.getElementById("data");
    plan = data ? JSON.parse(data.textContent) : null;
  };
  const swap = (next, asked) => {
    const active = document.activeElement?.id, before = JSON.stringify(plan);
    const open = new Map(all("details[data-key]").map(one => [one.dataset.key, one.open]));
    const fresh = all("[data-part]", next).map(one => one.id);
    const same = fresh.join() === all("[data-part]").map(one => one.id).join();
    read(next);
    const moved = JSON.stringify(plan) !== before;
    if (!same) {
      document.getElementById("main").replaceChildren(...next.getElementById("main").childNodes);
      remember(document);
      place(document);
    } else {
      for (const one of all("[data-part]", next)) {
        if (parts.get(one.id) === one.outerHTML) continue;
        parts.set(one.id, one.outerHTML);
        document.getElementById(one.id).replaceWith(one);
        place(one);
      }
      if (moved) all(".xaxis").forEach(one => place(one.parentElement));
      const bar = next.querySelector(".controls"), old = document.querySelector(".controls");
      if (bar && (asked || !old.contains(document.activeElement))) old.replaceWith(bar);
    }
    all("details[data-key]").forEach(one => {
      if (open.has(one.dataset.key)) one.open = open.get(one.dataset.key);
    });
    document.title = next.title;
    if (moved || !same || all("[data-chart]").some(one => !one.firstChild)) drawAll();
    if (active && document.activeElement?.id !== active) document.getElementById(active)?.focus({ preventScroll: true });
  };
  const refresh = async (asked = false) => {
    if (asking && !asked) return;
    asking?.abort();
    const mine = asking = new AbortController();
    const slow = setTimeout(() => asof("Loading …"), asked ? 300 : REFRESH);
    const late = setTimeout(() => mine.abort(), REFRESH);
    try {
      const answer = await fetch(location.href, { signal: mine.signal, cache: "no-store" });
      const text = await answer.text();
      if (answer.status >= 500) throw new Error(`the monitor answered ${answer.status}`);
      swap(new DOMParser().parseFromString(text, "text/html"), asked);
      heard = Date.now();
    } catch (error) {
      if (asking !== mine) return;  // another question has taken its place
      console.info("not refreshed:", error.message);
      late_since();
      return;
    } finally {
      clearTimeout(slow);
      clearTimeout(late);
      if (asking === mine) asking = null;
    }
    document.getElementById("stale").hidden = true;
    document.body.classList.remove("old");
    asof();
  };
  const late_since = () => {
    const stale = document.getElementById("stale"), since = new Date(heard);
    stale.textContent = `Stale since ${since.toISOString().slice(11, 19)} UTC: the monitor does not answer. What is shown is of then; it is asked again every ${REFRESH / 1000} s.`;
    stale.hidden = false;
    document.body.classList.add("old");
    asof("Not refreshing");
  };
  const asof = text => {
    document.getElementById("asof").textContent = text ?? `As of ${new Date(heard).toISOString().slice(11, 19)} UTC, refreshed every ${REFRESH / 1000} s`;
  };

  // ---- what people do
  const themeButton = document.getElementById("theme");
  const dark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const nameTheme = () => { themeButton.textContent = dark() ? "Light" : "Dark"; };
  themeButton.addEventListener("click", () => {
    const theme = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try { localStorage.setItem("theme", theme); } catch { /* for this page alone */ }
    nameTheme();
    drawAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { nameTheme(); drawAll(); });

  document.addEventListener("click", event => {
    const link = event.target.closest("a[data-soft]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      go(link.href);
      return;
    }
    const copy = event.target.closest("button.copy");
    if (copy) {
      navigator.clipboard?.writeText(copy.previousElementSibling.textContent)
        .then(() => { copy.textContent = "Copied"; }, () => { copy.textContent = "Select and copy"; });
      return;
    }
    const strip = event.target.closest(".strip[data-feature]");
    if (strip && plan) {
      const box = strip.getBoundingClientRect(), share = (event.clientX - box.left) / box.width;
      const at = plan.axis.start + Math.min(share, 0.9999) * (plan.axis.end - plan.axis.start);
      go(changed({ feature: strip.dataset.feature, at: new Date(at * 1000).toISOString().slice(0, 16) }));
    }
  });
  document.addEventListener("submit", event => {
    const form = event.target.closest("form[data-soft]");
    if (!form) return;
    event.preventDefault();
    const given = [...new FormData(form)].filter(([, value]) => value);
    go(new URL(`?${new URLSearchParams(given)}`, location.href));
  });
  document.addEventListener("change", event => {
    if (event.target.matches("form[data-soft] select")) event.target.form.requestSubmit();
  });
  document.addEventListener("mousemove", event => {
    const strip = event.target.closest?.(".strip.timed");
    if (strip) {
      const box = strip.getBoundingClientRect();
      point((event.clientX - box.left) / box.width);
    }
  });
  document.addEventListener("mouseout", event => {
    if (event.target.closest?.(".strip.timed") && !event.relatedTarget?.closest?.(".strip.timed")) point(null);
  });
  document.addEventListener("keydown", event => {
    const one = drawn.get(event.target.dataset?.chart);
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key];
    if (one && by) { event.preventDefault(); step(one, by); }
    if (one && event.key === "Escape") point(null);
  });
  addEventListener("popstate", () => refresh(true));
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) { width = innerWidth; requestAnimationFrame(() => drawAll()); }
  });

  remember(document);
  read(document);
  place(document);
  nameTheme();
  asof();
  drawAll();
  setInterval(() => { if (!document.hidden && !getSelection()?.toString()) refresh(); }, REFRESH);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
})();
