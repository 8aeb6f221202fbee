// Prints what the models' own validators say of objects.json: [[index, what is wrong], …].
import { readFileSync } from "node:fs";

const faults = [];
for (const [at, { module, kind, body }] of JSON.parse(readFileSync("objects.json", "utf8")).entries()) {
  const Kind = (await import(module))[kind];
  try {
    new Kind(body).validate();
  } catch (error) {
    faults.push([at, error.message]);
  }
}
console.log(JSON.stringify(faults));
