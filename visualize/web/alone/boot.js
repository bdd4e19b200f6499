// Starts a page that is one file: unpacks its scripts, and runs them.

import { load } from "./load.js";
import { unpacked } from "./unpack.js";

const { start } = await load(JSON.parse(new TextDecoder().decode(/** @type {ArrayBuffer} */ (await unpacked("scripts")))));
await start();
