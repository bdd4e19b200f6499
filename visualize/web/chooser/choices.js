// What a person chooses while the server is at work: one choice is worked on at a time, and the newest wins.

/**
 * @param send takes { picture, model }, null where that stays, to the server; `answered` tells that it has been worked on
 * @param working is called with true when a choice waits for another, false when it is sent at once
 * @param settled is called when nothing is left to do
 *
 * A choice is of a picture or of a model. Those made during an answer become one, the newest of either kind; it is sent when
 * the answer is there. The page begins at work, with what its link says.
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
      working(busy);
      if (!busy) next();
    },
    answered() {
      busy = false;
      if (wanted) next();
      else settled();
    },
  };
}
