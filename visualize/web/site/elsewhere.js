// The link to the page with a server, which opens there what is shown here.

import { CHOICES } from "../choices.js";
import { page } from "../shared/page.js";

/** Has the link name the state of the page when it is followed. */
export function leadElsewhere(/** @type {?HTMLAnchorElement} */ link) {
  link?.addEventListener("click", () => {
    const address = new URL(link.href);
    address.search = location.search; // which the page keeps up to date
    address.searchParams.set(CHOICES.tab.key, page.state.tab);
    for (const [name, value] of Object.entries(page.state.wanted ?? {})) address.searchParams.set(CHOICES[name].key, value);
    link.href = address.href;
  });
}
