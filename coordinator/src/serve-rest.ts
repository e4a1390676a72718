import type { Served, ServeOptions } from './cli/context.js'
import { openSession } from './open-session.js'
import { serve } from './rest/serve.js'
import { revokedKeys } from './runs/context/revoked-keys.js'
import { readIssuer } from './state/issuer.js'
import { statePaths } from './state/paths.js'
import { readOrMakeToken } from './state/rest-token.js'
import { restTokens } from './state/rest-tokens.js'

/** Serves REST on a state folder, with its session, token and CA. */
export async function serveRest({
  state,
  listen,
  tokenFile,
  tls = false,
  approvals = 0,
}: ServeOptions): Promise<Served> {
  const paths = statePaths(state)
  const session = { ...(await openSession(state)), leastApprovals: approvals }
  const file = tokenFile ?? paths.restToken
  const { url, close } = await serve({
    session,
    listen,
    token: await readOrMakeToken(file),
    findToken: restTokens(paths.restTokens).find,
    isRevoked: async (sha256) => (await revokedKeys(session)).has(sha256),
    issuer: () => readIssuer(paths),
    tls,
  })
  return { url, tokenFile: file, close }
}
