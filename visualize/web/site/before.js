// Runs before anything is drawn: dark or light, as the system or the address says; and what to do with a page that is opened from a disk.

{
  const asked = new URLSearchParams(location.search).get("__theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark", asked ? asked === "dark" : system.matches);
  system.addEventListener("change", follow);
  follow();
  if (location.protocol === "file:") {
    addEventListener("DOMContentLoaded", () => document.querySelector(".cvt-site-disk")?.removeAttribute("hidden"));
  }
}
