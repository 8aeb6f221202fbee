// Stock OpenFeature, server side, against a Plinth: prints what it got, one JSON a line.
import { OpenFeature } from '@openfeature/server-sdk';
import { OFREPProvider } from '@openfeature/ofrep-provider';

const { PLINTH, KEY } = process.env;
const tell = (name, details) =>
  console.log(JSON.stringify({ name, value: details.value, variant: details.variant, reason: details.reason, error: details.errorCode, metadata: details.flagMetadata }));

async function client(domain, headers) {
  await OpenFeature.setProviderAndWait(domain, new OFREPProvider({ baseUrl: PLINTH, headers }));
  return OpenFeature.getClient(domain);
}

const flags = await client('key', [['X-API-Key', KEY]]);
const ada = { targetingKey: 'ada', plan: 'pro', born: new Date(0), nested: { a: [1, null] } };
tell('boolean', await flags.getBooleanDetails('boolean', false, ada));
tell('string', await flags.getStringDetails('string', 'none', ada));
tell('number', await flags.getNumberDetails('number', 0, ada));
tell('object', await flags.getObjectDetails('object', {}, ada));
tell('targeted', await flags.getStringDetails('targeted', 'none', ada));
tell('others', await flags.getStringDetails('targeted', 'none', { targetingKey: 'bob' }));
tell('split', await flags.getBooleanDetails('split', false, ada));
tell('disabled', await flags.getBooleanDetails('disabled', true, ada));
tell('missing', await flags.getBooleanDetails('missing', true, ada));
tell('keyless', await flags.getBooleanDetails('split', true, {}));
tell('mistyped', await flags.getNumberDetails('string', 7, ada));

const bearer = await client('bearer', [['Authorization', `Bearer ${KEY}`]]);
tell('bearer', await bearer.getBooleanDetails('boolean', false, ada));
const staging = await client('staging', [['X-API-Key', KEY], ['Flags-Environment', 'staging']]);
tell('staging', await staging.getBooleanDetails('disabled', false, ada));
const nobody = await client('nobody', [['X-API-Key', 'plk_nonsense']]);
tell('unauthorised', await nobody.getBooleanDetails('boolean', false, ada));
