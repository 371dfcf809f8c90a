// Shows a link to sign in at in the output of the cell. It is made here, and not by the
// output's HTML, so that the notebook's file does not have it.
({ id, url, code }) => {
  const el = document.getElementById(id);
  if (!el || el.querySelector(".tokentoss")) return; // the widget came, and was only slow to say so
  const make = (tag, attributes, ...children) => {
    const e = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
    e.append(...children);
    return e;
  };
  const address = make("input", { readonly: "", size: "60", "aria-label": "The address to sign in at", value: url });
  address.addEventListener("focus", () => address.select());
  el.replaceChildren(
    make("p", {}, make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, "Sign in with Google"),
      ", or open this address in any browser: ", address),
    ...(code ? [make("p", {}, "Enter this code there: " + code)] : []),
    make("p", {}, "This cell notices when you are signed in there."),
  );
}
