// A trigger of AWS's sample in a process of its own; the same for Node as tests/bench/function.py.
// node function.mjs <the trigger's bundle> <address of the pool's public keys>

import http from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";
import { createInterface } from "node:readline";

const [bundle, keys] = process.argv.slice(2);

const spent = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const answer = (content) => process.stdout.write(`${JSON.stringify(content)}\n`);

// What it logs is not an answer.
console.log = console.error;
// The pool's keys are read over HTTPS, from an address that cannot be set.
https.request = (address, ...rest) => http.request(new URL(new URL(address).pathname, keys), ...rest);
syncBuiltinESMExports();

let before = spent();
const { handler } = await import(bundle);
answer({ cpu: spent() - before });
for await (const line of createInterface({ input: process.stdin })) {
  const event = JSON.parse(line);
  before = spent();
  const { response } = await handler(event);
  answer({ response, cpu: spent() - before });
}
