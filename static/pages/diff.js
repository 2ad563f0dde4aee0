// What is another between two texts, word by word.

import { h } from "/static/h.js";

/** Words that are compared with each other at the most; of longer texts the middle is taken as another. */
const WORDS_MAX = 600;

export function diff(from, to) {
  const [old, now] = [from, to].map((text) => text.split(/(\s+)/).filter((word) => word !== ""));
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < old.length - head && tail < now.length - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const [gone, come] = [old.slice(head, old.length - tail), now.slice(head, now.length - tail)];
  const middle = gone.length > WORDS_MAX || come.length > WORDS_MAX
    ? [["del", gone], ["ins", come]]
    : steps(gone, come);
  return h("span", old.slice(0, head).join(""),
    middle.map(([kind, words]) => (kind === "same" ? words.join("") : h(kind, null, words.join("")))),
    old.slice(old.length - tail).join(""));
}

/** The longest common subsequence, as runs of words that went, came, or stayed. */
function steps(gone, come) {
  const lengths = Array.from({ length: gone.length + 1 }, () => new Uint16Array(come.length + 1));
  for (let i = gone.length - 1; i >= 0; i -= 1) {
    for (let j = come.length - 1; j >= 0; j -= 1) {
      lengths[i][j] = gone[i] === come[j]
        ? lengths[i + 1][j + 1] + 1
        : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const runs = [];
  const add = (kind, word) => {
    if (runs.at(-1)?.[0] === kind) runs.at(-1)[1].push(word);
    else runs.push([kind, [word]]);
  };
  let [i, j] = [0, 0];
  while (i < gone.length || j < come.length) {
    if (i < gone.length && j < come.length && gone[i] === come[j]) {
      add("same", gone[i]);
      [i, j] = [i + 1, j + 1];
    } else if (i < gone.length && (j === come.length || lengths[i + 1][j] >= lengths[i][j + 1])) {
      add("del", gone[i]);
      i += 1;
    } else {
      add("ins", come[j]);
      j += 1;
    }
  }
  return runs;
}
