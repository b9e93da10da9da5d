// The fields of a view: from the address, to the query, and what is wrong with them.

export const NAMES = ["eol", "ecl", "draws", "seed", "policy"];
const WITH_SLIDER = ["eol", "ecl"];
// A slider reaches beyond the training data by this share of their range, so that one sees its end.
const BEYOND = 0.25;
const MOST_RANDOM_SEED = 1e6;

const element = (id) => document.getElementById(id);

export class Fields {
  // `onMove` is called while a slider moves or a number is typed, `onSet` when a value stands.
  constructor(onMove, onSet) {
    this.hasPolicy = false;
    this.touched = new Set();
    element("view").addEventListener("submit", (event) => {
      event.preventDefault();
      onSet();
    });
    for (const name of NAMES) {
      element(name).addEventListener("input", () => {
        this.touched.add(name);
        this.#follow(name);
        onMove();
      });
    }
    for (const name of WITH_SLIDER) {
      element(`${name}-slider`).addEventListener("input", (event) => {
        this.touched.add(name);
        element(name).value = event.target.value;
        onMove();
      });
    }
    element("reseed").addEventListener("click", () => {
      element("seed").value = Math.floor(Math.random() * MOST_RANDOM_SEED);
      onSet();
    });
  }

  configure(about) {
    for (const [name, { least, most }] of Object.entries(about.limits)) {
      Object.assign(element(name), { min: least, max: most });
    }
    for (const name of WITH_SLIDER) setSlider(name, about.limits[name]);
    this.hasPolicy = about.policies !== null;
    element("policy").closest(".field").hidden = !this.hasPolicy;
    element("policies").replaceChildren(
      ...(about.policies ?? []).map((policy) => new Option(policy, policy)),
    );
  }

  // What was typed before stays.
  fill(values) {
    for (const name of NAMES.filter((name) => name in values && !this.touched.has(name))) {
      element(name).value = values[name];
      this.#follow(name);
    }
  }

  query() {
    const names = NAMES.filter((name) => name !== "policy" || this.hasPolicy);
    return new URLSearchParams(names.map((name) => [name, element(name).value.trim()]));
  }

  shows(name) {
    return NAMES.includes(name) && (name !== "policy" || this.hasPolicy);
  }

  // Says what is wrong with a field, without one that nothing is; whether it could be said there.
  showError(name, message) {
    for (const other of NAMES) {
      const isWrong = other === name;
      element(other).toggleAttribute("aria-invalid", isWrong);
      if (isWrong) element(other).setAttribute("aria-invalid", "true");
      const line = element(`${other}-error`);
      const text = isWrong ? message : "";
      if (line.textContent !== text) line.textContent = text;
    }
    return this.shows(name);
  }

  #follow(name) {
    const { value } = element(name);
    if (WITH_SLIDER.includes(name) && value !== "") element(`${name}-slider`).value = value;
  }
}

function setSlider(name, { least, most, trained: [low, high] }) {
  const beyond = Math.max(Math.round(BEYOND * (high - low)), 1);
  const [start, end] = [Math.max(low - beyond, least), Math.min(high + beyond, most)];
  const slider = element(`${name}-slider`);
  Object.assign(slider, { min: start, max: end });
  const place = (value) => (value - start) / (end - start);
  slider.parentElement.style.setProperty("--from", place(low));
  slider.parentElement.style.setProperty("--to", place(high));
  element(`${name}-note`).textContent = `trained on ${low} to ${high} (green)`;
}
