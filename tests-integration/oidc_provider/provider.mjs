// An OpenID provider, until the standard input ends:
//
//     node provider.mjs LOGIN_SECONDS RENEWED_SECONDS
//
// which is how long the access tokens live that a login gives, and those that replace them. Prints
// its issuer. What it has granted, refused and revoked is told at /events. Version 8 of the library
// is the last one that runs on Node.js 20 too.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

import Provider from 'oidc-provider';

const [loginSeconds, renewedSeconds] = process.argv.slice(2).map(Number);
const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'tool',
      application_type: 'native', // any port of its redirect URI
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: [
        'authorization_code',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
      ],
      token_endpoint_auth_method: 'none',
    },
  ],
  claims: { openid: ['sub'], email: ['email'] },
  clockTolerance: 0,
  cookies: { keys: ['only for tests'] },
  features: {
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: 'weather.read', accessTokenFormat: 'jwt' }),
    },
    revocation: { enabled: true },
  },
  findAccount: (ctx, accountId) => ({
    accountId,
    claims: () => ({ sub: accountId, email: `${accountId}@example.com` }),
  }),
  pkce: { methods: ['S256'], required: () => true },
  rotateRefreshToken: true,
  ttl: {
    AccessToken: (ctx) =>
      ctx.oidc.params.grant_type === 'refresh_token' ? renewedSeconds : loginSeconds,
  },
});

const events = [];
for (const name of ['grant.success', 'grant.error', 'grant.revoked']) {
  provider.on(name, (ctx, error) => {
    events.push({
      name,
      grant: ctx.oidc.params.grant_type ?? null,
      reason: error?.error_detail ?? null,
    });
  });
}

const pages = {
  login: 'Who are you? <form method="post"><input name="login"><button>Log in</button></form>',
  consent:
    'May it? <form method="post"><button name="answer" value="yes">Yes</button>' +
    '<button name="answer" value="no">No</button></form>',
};

async function consent({ grantId, params, prompt: { details }, session }) {
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope((details.missingOIDCScope ?? []).join(' '));
  grant.addOIDCClaims(details.missingOIDCClaims ?? []);
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return { consent: { grantId: await grant.save() } };
}

async function interact(ctx) {
  const asked = await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === 'GET') {
    ctx.body = pages[asked.prompt.name];
    return;
  }
  const form = new URLSearchParams(await text(ctx.req));
  let result = { error: 'access_denied' };
  if (asked.prompt.name === 'login') {
    result = { login: { accountId: form.get('login') } };
  } else if (form.get('answer') === 'yes') {
    result = await consent(asked);
  }
  ctx.respond = false; // the library answers
  await provider.interactionFinished(ctx.req, ctx.res, result);
}

provider.use(async (ctx, next) => {
  if (ctx.path === '/events') {
    ctx.body = events;
  } else if (ctx.path.startsWith('/interaction/')) {
    await interact(ctx);
  } else {
    await next();
  }
});
server.on('request', provider.callback());
process.stdin.on('end', () => process.exit()).resume();
console.log(issuer);
