// Choices made while the server is busy: one is processed at a time, and the newest wins.

/**
 * @param send sends { picture, model }, null if unchanged, to the server; `answered` reports that it is done
 * @param working is called with true when a choice waits for another, false when it is sent at once, and with the choice
 * @param settled is called when nothing is left to do
 *
 * A choice is a picture or a model. Those made while waiting become one, the newest of either kind, which is sent when the
 * answer arrives. At first the page is busy with its link.
 */
export function choices({ send, working, settled }) {
  let wanted = null;
  let busy = true;

  function next() {
    const choice = wanted;
    wanted = null;
    busy = true;
    send(choice);
  }

  return {
    choose(changes) {
      wanted = { picture: null, model: null, ...wanted, ...changes };
      working(busy, wanted);
      if (!busy) next();
    },
    answered() {
      busy = false;
      if (wanted) next();
      else settled();
    },
  };
}
