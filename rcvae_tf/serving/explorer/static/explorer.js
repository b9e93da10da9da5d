// The page: from the address to fields, from fields to curves, and back to the address.

import { Fields, NAMES } from "./fields.js";
import { describe, showDownloads, showModel, showPanels } from "./panels.js";
import { Plots } from "./plots.js";
import { startTheme } from "./theme.js";

const DEBOUNCE_MS = 120;
// A quick answer shows no progress: flicker tells nothing.
const PROGRESS_AFTER_MS = 150;
const ANNOUNCE_AFTER_MS = 400;
// A server that starts has no model yet.
const AGAIN_AFTER_MS = 3000;

const element = (id) => document.getElementById(id);
const results = element("results");

let about = null;
let isBeginning = false;
let overtaken = new AbortController();
const timers = {};

const fields = new Fields(() => later("update", update, DEBOUNCE_MS), () => update());
const plots = new Plots(element("plots"), element("legend"), announce);
startTheme(element("theme"), () => plots.paint());
startCopy(element("copy"));
begin();

// Once at a time, whoever asks for it: what was typed meanwhile would be overwritten by a second.
async function begin() {
  clearTimeout(timers.again);
  if (isBeginning || about) return;
  isBeginning = true;
  const hasFacts = await loadFacts();
  isBeginning = false;
  if (!hasFacts) {
    later("again", begin, AGAIN_AFTER_MS);
    return;
  }
  const address = new URLSearchParams(location.search);
  const known = [...address].filter(([name]) => NAMES.includes(name));
  fields.fill({ ...about.start, ...Object.fromEntries(known) });
  await update();
}

// Of the model that answers now; a newer version may have other ranges and signals.
async function loadFacts() {
  const answer = await ask("/explorer/facts", new AbortController().signal);
  if (!answer.ok) {
    settle(answer);
    return false;
  }
  about = answer.body;
  showModel(about);
  fields.configure(about);
  plots.build(about);
  return true;
}

async function update() {
  clearTimeout(timers.update);
  if (!about) return begin();
  overtaken.abort();
  overtaken = new AbortController();
  const { signal } = overtaken;
  const query = fields.query().toString();
  results.setAttribute("aria-busy", "true");
  later("progress", () => document.body.classList.add("loading"), PROGRESS_AFTER_MS);
  const answer = await ask(`/explorer/charges?${query}`, signal);
  if (signal.aborted) return;
  // A newer version asks for what the one before did not.
  if (answer.body.field && !fields.shows(answer.body.field)) await loadFacts();
  const shown = answer.ok ? await tryToShow(answer, query, signal) : answer;
  if (!signal.aborted) settle(shown);
}

// Whatever goes wrong is said: a page that only seems to load would be waited for.
async function tryToShow(answer, query, signal) {
  try {
    await show(answer.body, query, signal);
    return answer;
  } catch (error) {
    const fault = `The charges cannot be shown (${error.message}).`;
    return { ok: false, body: { error: `${fault} Reload the page.` } };
  }
}

async function show(view, query, signal) {
  // A newer version may have other signals and ranges.
  if (view.model.version !== about.model.version && !(await loadFacts())) {
    throw new Error("the model changed, and says nothing of itself");
  }
  if (signal.aborted) return;
  showPanels(view, about);
  showDownloads(query, about.bdf_lacks);
  await plots.show(view);
  if (signal.aborted) return;
  history.replaceState(null, "", `?${query}`);
  document.title = `EOL ${view.asked.eol}, ECL ${view.asked.ecl}: generated charges`;
  announce(`Shown: ${describe(view.asked)}`);
}

// What is said once an answer is there: of a fault, at its field; the last curves stay.
function settle({ ok, body }) {
  clearTimeout(timers.progress);
  document.body.classList.remove("loading");
  results.setAttribute("aria-busy", "false");
  const isAtField = fields.showError(ok ? null : body.field, body.error);
  const banner = element("banner");
  const isElsewhere = !ok && !isAtField;
  banner.hidden = !isElsewhere;
  banner.textContent = isElsewhere ? body.error : "";
  if (!ok && !plots.view) element("shown").textContent = "Nothing shown yet";
}

async function ask(address, signal) {
  try {
    const response = await fetch(address, { signal });
    const body = await response.json();
    return { ok: response.ok, body };
  } catch (error) {
    if (signal.aborted) return { ok: false, body: {} };
    const fault = `The server gave no answer that can be read (${error.message}).`;
    return { ok: false, body: { error: `${fault} Change a field to ask again.` } };
  }
}

function later(name, action, delay) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(action, delay);
}

// For screen readers; of many changes in a row the last alone is read.
function announce(text) {
  later("announce", () => (element("announce").textContent = text), ANNOUNCE_AFTER_MS);
}

function startCopy(button) {
  // Browsers offer it on this machine or over HTTPS only.
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(location.href);
    button.textContent = "Copied";
    later("copied", () => (button.textContent = "Copy address"), 1500);
  });
}
