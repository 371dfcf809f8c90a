// Answers the prompt below the cell with nothing, as a person would who presses Enter.
// A front end may run no other cell while a prompt is open, also when the cell that
// asked has ended.
({ id }) => {
  const area = document.getElementById(id)?.closest(".jp-OutputArea");
  for (const field of area?.querySelectorAll(".jp-Stdin-input") ?? []) {
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  }
}
