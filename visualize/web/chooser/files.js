// What people hand in: the one file of it to look at, or a sentence that says why there is none.

import { phrase } from "../words/phrase.js";

const megabytes = (bytes) => Math.ceil(bytes / 1e6);

/** Files whose type the browser does not know are passed on: the server decides by their content. */
const maybePicture = ({ type }) => !type || type === "application/octet-stream" || type.startsWith("image/");

/**
 * The file of those that were dropped, pasted or chosen, or why none is taken.
 * @param {ArrayLike<File>} files
 * @param {number} most bytes that the server takes
 * @returns {{ file: File, problem?: undefined } | { file?: undefined, problem: string }}
 */
export function taken(files, most) {
  if (files.length > 1) return { problem: phrase("several_files", { count: files.length }) };
  const file = files[0];
  const { name } = file;
  if (!maybePicture(file)) return { problem: phrase("no_picture_file", { name }) };
  if (!file.size) return { problem: phrase("empty_file", { name }) };
  if (file.size > most) return { problem: phrase("large_file", { name, size: megabytes(file.size), most: Math.floor(most / 1e6) }) };
  return { file };
}

const LESSON = /\.(ya?ml|json)$/i; // as the server's folder of lessons has them

/**
 * The same for what was dropped, in which there may be a lesson, text or a folder.
 * @param {DataTransfer} data
 * @param {number} most
 * @returns {{ file?: File, problem?: string, lesson?: File }}
 */
export function dropped(data, most) {
  const folder = Array.from(data.items ?? []).find((item) => item.kind === "file" && item.webkitGetAsEntry?.()?.isDirectory);
  if (folder) return { problem: phrase("folder_dropped") };
  if (data.files.length === 1 && LESSON.test(data.files[0].name)) return { lesson: data.files[0] };
  return data.files.length ? taken(data.files, most) : { problem: phrase("text_dropped") };
}

/** The same for what was pasted. */
export function pasted(data, most) {
  return data?.files.length ? taken(data.files, most) : { problem: phrase("text_pasted") };
}
