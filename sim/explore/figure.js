export default function ({ parentElement, data }) {
  let root = parentElement.querySelector(".allpath");
  if (!root) {
    root = document.createElement("div");
    root.className = "allpath";
    parentElement.append(root);
  }
  root.innerHTML = data;
}
