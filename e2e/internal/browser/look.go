package browser

import "fmt"

// colours measures colours as they are shown.
const colours = `
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data] };
  const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c } return [255, 255, 255] };
  const ratio = (one, other) => { const [a, b] = [light(one), light(other)].sort((a, b) => b - a); return (a + .05) / (b + .05) };`

// faint finds text that is too faint for what it stands on (WCAG 2.2, 1.4.3: 4.5 to 1),
// in what a selector, its argument, names.
const faint = `((within) => {` + colours + `
  const found = [];
  for (const e of document.querySelectorAll(within + " *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && e.tagName !== "INPUT") continue;
    if (!e.checkVisibility()) continue;
    const r = ratio(rgba(getComputedStyle(e).color), ground(e));
    if (r < 4.5) found.push(r.toFixed(1) + " " + e.tagName + "." + e.className + " " + e.textContent);
  }
  return found })(%q)`

// outline is how much the outline of what has the focus differs from what it lies on.
const outline = `(() => {` + colours + `
  const e = document.activeElement, s = getComputedStyle(e);
  return s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2 ? 0 : s.outlineStyle === "auto" ? 21 : ratio(rgba(s.outlineColor), ground(e.parentElement)) })()`

// Faint returns the texts that are too faint to read in what a selector names, each with
// its ratio to what it stands on.
func (tb *Tab) Faint(within string) (all []string) {
	tb.t.Helper()
	tb.Script(fmt.Sprintf(faint, within), &all)
	return all
}
