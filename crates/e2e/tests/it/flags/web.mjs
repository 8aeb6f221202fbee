// Stock OpenFeature, client side, against a Plinth: prints values and the statuses of its
// polls; `next` on its input makes it wait for changed flags.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';

const { PLINTH, KEY } = process.env;
const statuses = [];
const input = createInterface({ input: process.stdin });
const provider = new OFREPWebProvider({
  baseUrl: PLINTH,
  headers: [['X-API-Key', KEY]],
  pollInterval: 100,
  cacheMode: 'disabled',
  fetchImplementation: async (request) => {
    const response = await fetch(request);
    statuses.push(response.status);
    return response;
  },
});
await OpenFeature.setContext({ targetingKey: 'ada', plan: 'pro' });
await OpenFeature.setProviderAndWait(provider);
const flags = OpenFeature.getClient();
const tell = () => console.log(JSON.stringify({
  boolean: flags.getBooleanValue('boolean', false),
  targeted: flags.getStringValue('targeted', 'none'),
  missing: flags.getStringValue('missing', 'my own'),
  statuses: statuses.splice(0),
}));
while (statuses.length < 4) await new Promise((resolve) => setTimeout(resolve, 50));
const changed = new Promise((resolve) => flags.addHandler(ProviderEvents.ConfigurationChanged, resolve));
tell();
await once(input, 'line');
await changed;
tell();
await OpenFeature.close();
input.close();
