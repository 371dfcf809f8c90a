// An OpenID provider for tests: oidc-provider with one account, which agrees to everything.
// node server.js CLIENT_AUTH SIGNING_ALG; it prints its issuer when it is ready.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [clientAuth, signingAlg] = process.argv.slice(2);
const account = 'ada@example.com';
let provider;

const server = createServer(async (req, res) => {
  if (!req.url.startsWith('/interaction/')) return provider.callback()(req, res);
  const { prompt, params, session } = await provider.interactionDetails(req, res);
  if (prompt.name === 'login') return provider.interactionFinished(req, res, { login: { accountId: account } });
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(req, res, { consent }, { mergeWithLastSubmission: true });
});

server.listen(0, '127.0.0.1', async () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const { privateKey } = await generateKey(signingAlg);
  provider = new Provider(issuer, {
    clients: [{
      client_id: 'tokentoss', client_secret: 'a+b:c%d&e=f g', application_type: 'native', redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
      token_endpoint_auth_method: clientAuth, id_token_signed_response_alg: signingAlg,
    }],
    clientAuthMethods: [clientAuth],
    enabledJWA: { idTokenSigningAlgValues: [signingAlg] },
    jwks: { keys: [{ ...privateKey, alg: signingAlg, use: 'sig' }] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['for tests'] },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: id, email_verified: true }) }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 3600, IdToken: 3600, RefreshToken: 3600 },
  });
  console.log(issuer);
});

// generateKey makes a key for an algorithm of RFC 7518 or RFC 8037, as a JWK.
async function generateKey(alg) {
  const { generateKeyPairSync } = await import('node:crypto');
  const kinds = { ES256: ['ec', { namedCurve: 'P-256' }], ES384: ['ec', { namedCurve: 'P-384' }], EdDSA: ['ed25519'] };
  const [kind, options] = kinds[alg] ?? ['rsa', { modulusLength: 2048 }];
  const { privateKey } = generateKeyPairSync(kind, options);
  return { privateKey: privateKey.export({ format: 'jwk' }) };
}

// The tests end it with its standard input.
process.stdin.on('end', () => process.exit()).resume();
