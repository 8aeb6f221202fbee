// Takes webhooks of Plinth: node receiver.mjs PORT, with the endpoint's secret in WEBHOOK_SECRET.
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
const taken = new Set(); // in a real service: a table, with what the message makes of you in the same transaction

createServer(async (request, response) => {
  if (request.method !== "POST") return response.end("ready");
  // The bytes as they came: JSON that is written anew is signed by nobody.
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  try {
    webhook.verify(body, request.headers);
  } catch (why) {
    return response.writeHead(400).end(why.message);
  }
  // The same message may come twice, and has the same id then.
  if (!taken.has(request.headers["webhook-id"])) {
    taken.add(request.headers["webhook-id"]);
    const message = JSON.parse(body);
    console.log(message.type, message.data);
  }
  response.writeHead(204).end();
}).listen(Number(process.argv[2]), "127.0.0.1");
