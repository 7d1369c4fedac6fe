// What a page looks like, measured in the browser: gives a list of faults, each as a sentence.
(touch) => {
  const faults = [];
  const seen = (node) => {
    const style = getComputedStyle(node);
    return node.checkVisibility({checkVisibilityCSS: true}) && style.clipPath === "none" && node.getBoundingClientRect().width > 1;
  };
  const name = (node) => (node.tagName.toLowerCase() + " “" + (node.textContent.trim() || node.getAttribute("aria-label") || node.name || node.id).slice(0, 40) + "”");

  const surplus = document.documentElement.scrollWidth - innerWidth;
  if (surplus > 0) {
    faults.push("scrolls sideways by " + surplus + " px");
  }

  const headings = document.querySelectorAll("h1").length;
  if (headings !== 1) {
    faults.push("has " + headings + " h1");
  }

  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    const labels = [...(field.labels || [])].map((label) => label.textContent.trim()).join("");
    if (!labels && !field.getAttribute("aria-label") && !field.getAttribute("aria-labelledby")) {
      faults.push(name(field) + " has no accessible name");
    }
  }
  for (const pressed of document.querySelectorAll("a[href], button")) {
    if (!pressed.textContent.trim() && !pressed.getAttribute("aria-label")) {
      faults.push(name(pressed) + " has no accessible name");
    }
  }

  if (touch) {
    const isInText = (node) => node.tagName === "A" && getComputedStyle(node).display === "inline" && node.closest("p, li, dd, td, span, .help");
    for (const pressed of document.querySelectorAll("a[href], button, select, input:not([type=hidden], [type=checkbox], [type=radio]), textarea, summary")) {
      const box = pressed.getBoundingClientRect();
      if (seen(pressed) && !isInText(pressed) && !pressed.closest(".skip, svg") && (box.height < 43.5 || box.width < 43.5)) {
        faults.push(name(pressed) + " is " + Math.round(box.width) + " × " + Math.round(box.height) + " px");
      }
    }
  }

  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, bottom) => top.slice(0, 3).map((part, at) => part * top[3] + bottom[at] * (1 - top[3]));
  const ground = (node) => {
    if (!node) {
      return rgba(getComputedStyle(document.documentElement).colorScheme.includes("dark") ? "black" : "white").slice(0, 3);
    }
    const own = rgba(getComputedStyle(node).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, ground(node.parentElement));
  };
  const luminance = (color) => {
    const [red, green, blue] = color.map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const worst = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !seen(node) || node.closest("[disabled], [aria-hidden], script, .skip")) {
      continue;
    }
    const behind = ground(node);
    const [light, dark] = [luminance(over(rgba(getComputedStyle(node).color), behind)), luminance(behind)].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < 4.5) {
      worst.set(name(node), contrast.toFixed(2));
    }
  }
  worst.forEach((contrast, text) => faults.push(text + " has a contrast of " + contrast));
  return faults;
}
