#!/bin/sh
# PLINTH is Plinth's URL, TOKEN an access token (flags:write, auth:write).
set -eu
call() { curl --silent --show-error --fail-with-body -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' "$@"; }

# A flag: on for beta testers, and for a quarter of everybody else.
call "$PLINTH/api/v1/flags" -d '{
  "key": "new-checkout", "type": "boolean",
  "variants": {"on": true, "off": false}, "default_variant": "off", "off_variant": "off",
  "environments": {"production": {"enabled": true,
    "rules": [{"name": "beta testers",
               "when": {"attribute": "plan", "op": "eq", "value": "beta"},
               "serve": {"variant": "on"}}],
    "otherwise": {"split": [{"variant": "on", "percent": 25}, {"variant": "off", "percent": 75}]}}}
}'

# What somebody gets, and why.
call "$PLINTH/ofrep/v1/evaluate/flags/new-checkout" -d '{"context": {"targetingKey": "user-1", "plan": "beta"}}'
