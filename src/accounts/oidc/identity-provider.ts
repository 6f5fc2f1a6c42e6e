import { Injectable } from '@nestjs/common';
import type { ClientAuth, Configuration } from 'openid-client';
import { Settings } from '../../config/settings.js';

const CALLBACK = '/api/v1/session/oidc/callback';
const SCOPE = 'openid email profile';
const TIMEOUT_SECONDS = 10;
const BASIC = 'client_secret_basic';

/** What the browser keeps between the redirect and the way back. */
export interface Attempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Who signed in at the provider. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  readonly email: unknown;
  /** Whether the person proved the address; `undefined` if the provider says nothing. */
  readonly emailVerified: unknown;
  readonly name: unknown;
}

type Oidc = NonNullable<Settings['oidc']>;

/** Signs developers in at the identity provider of the operator: authorization code with PKCE (RFC 9700). */
@Injectable()
export class IdentityProvider {
  #configuration: Promise<Configuration> | undefined;

  constructor(private readonly settings: Settings) {}

  get isOn(): boolean {
    return this.settings.oidc !== undefined;
  }

  /** @returns the page of the provider. @throws errors of openid-client */
  async begin(): Promise<{ url: URL; attempt: Attempt }> {
    const client = await import('openid-client');
    const configuration = await this.#discover();
    const attempt = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
    };
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#redirectUri,
      scope: SCOPE,
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(attempt.verifier),
      code_challenge_method: 'S256',
    });
    return { url, attempt };
  }

  /** @param search the query with which the browser comes back. @throws errors of openid-client */
  async finish(search: string, { state, nonce, verifier }: Attempt): Promise<Identity> {
    const client = await import('openid-client');
    const configuration = await this.#discover();
    const tokens = await client.authorizationCodeGrant(
      configuration,
      new URL(`${this.#redirectUri}${search}`),
      { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true },
    );
    const claims = tokens.claims();
    if (!claims) throw new Error('The identity provider sent no ID token.');
    const { iss: issuer, sub: subject } = claims;
    // Some providers name the address only there.
    const {
      email,
      email_verified: emailVerified,
      name,
    } = claims['email'] === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined
      ? await client.fetchUserInfo(configuration, tokens.access_token, subject)
      : (claims as Partial<Record<'email' | 'email_verified' | 'name', unknown>>);
    return { issuer, subject, email, emailVerified, name };
  }

  get #redirectUri(): string {
    return `${this.settings.publicBaseUrl}${CALLBACK}`;
  }

  /** Reads the provider's metadata once, and again after a failure. */
  #discover(): Promise<Configuration> {
    const { oidc } = this.settings;
    if (!oidc) throw new Error('There is no identity provider.');
    this.#configuration ??= discover(oidc).catch((error: unknown) => {
      this.#configuration = undefined;
      throw error;
    });
    return this.#configuration;
  }
}

async function discover({ issuer, clientId, clientSecret }: Oidc): Promise<Configuration> {
  const client = await import('openid-client');
  const secret = clientSecret.reveal();
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)];
  const authenticate: ClientAuth = (server, ...request) => {
    const isBasic = server.token_endpoint_auth_methods_supported?.includes(BASIC) ?? true;
    return (isBasic ? basic : post)(server, ...request);
  };
  // The settings allow HTTP on a loopback host only.
  const execute = issuer.startsWith('http:') ? [client.allowInsecureRequests] : [];
  const options = { execute, timeout: TIMEOUT_SECONDS };
  return client.discovery(new URL(issuer), clientId, undefined, authenticate, options);
}
