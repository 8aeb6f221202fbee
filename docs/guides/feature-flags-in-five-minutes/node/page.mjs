// As a browser does it: all flags at once, and again every second, with an ETag.
import { OpenFeature } from '@openfeature/web-sdk';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';

const provider = new OFREPWebProvider({
  baseUrl: process.env.PLINTH,
  headers: [['X-API-Key', process.env.KEY]],
  pollInterval: 1000,
  cacheMode: 'disabled', // there is no localStorage here
});
await OpenFeature.setContext({ targetingKey: 'user-1', plan: 'beta' });
await OpenFeature.setProviderAndWait(provider);
const flags = OpenFeature.getClient();
console.log('new-checkout', flags.getBooleanValue('new-checkout', false));
await OpenFeature.close();
