// PLINTH is Plinth's URL, KEY an API key with the scope flags:read.
import { OpenFeature } from '@openfeature/server-sdk';
import { OFREPProvider } from '@openfeature/ofrep-provider';

const provider = new OFREPProvider({
  baseUrl: process.env.PLINTH,
  headers: [['X-API-Key', process.env.KEY], ['Flags-Environment', 'production']],
});
await OpenFeature.setProviderAndWait(provider);
const flags = OpenFeature.getClient();

const user = { targetingKey: 'user-1', plan: 'beta' };
console.log('new-checkout', await flags.getBooleanValue('new-checkout', false, user));

// Without such a flag, or without Plinth, code gets its own default.
console.log('no-such-flag', await flags.getStringValue('no-such-flag', 'my own', user));
