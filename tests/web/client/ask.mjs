// Asks a running page by Gradio's JavaScript client: what the endpoints take, and some answers, as JSON (tests/page/api/test_javascript.py).

import { readFileSync } from "node:fs";

import { Client } from "@gradio/client";

const [, , address, picture] = process.argv;
const client = await Client.connect(address);
const photo = new Blob([readFileSync(picture)], { type: "image/jpeg" });
const refused = async (asking) => asking.then(() => null).catch((error) => error.message ?? String(error));

const [predicted] = (await client.predict("/predict", { picture: photo })).data;
const [features] = (await client.predict("/features", { picture: photo, stage: 2, channel: 3 })).data;
const [question] = (await client.predict("/lesson_question", { picture: photo, lesson: "cls", step: 1 })).data;
const told = {
  endpoints: Object.keys((await client.view_api()).named_endpoints),
  predicted,
  features,
  question,
  refused: await refused(client.predict("/features", { picture: photo, stage: 7 })),
};
client.close();
console.log(JSON.stringify(told));
process.exit(0); // the client keeps a connection
