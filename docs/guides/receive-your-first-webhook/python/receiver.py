"""Takes webhooks of Plinth: receiver.py PORT, with the endpoint's secret in WEBHOOK_SECRET."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["WEBHOOK_SECRET"])
taken = set()  # in a real service: a table, with what the message makes of you in the same transaction


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        # The bytes as they came: JSON that is written anew is signed by nobody.
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            webhook.verify(body, dict(self.headers.items()))
        except WebhookVerificationError as why:
            return self.answer(400, str(why))
        # The same message may come twice, and has the same id then.
        if self.headers["webhook-id"] not in taken:
            taken.add(self.headers["webhook-id"])
            message = json.loads(body)
            print(message["type"], message["data"], flush=True)
        self.answer(204)

    def do_GET(self):
        self.answer(200, "ready")

    def answer(self, status, text=""):
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
