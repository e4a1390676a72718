import type { Served, ServeOptions } from './cli/context.js'
import { openSession } from './open-session.js'
import { serve, serveEnrolment } from './rest/serve.js'
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
  enrollListen,
}: ServeOptions): Promise<Served> {
  const paths = statePaths(state)
  const session = { ...(await openSession(state)), leastApprovals: approvals }
  const file = tokenFile ?? paths.restToken
  const issuer = () => readIssuer(paths)
  const { url, close } = await serve({
    session,
    listen,
    token: await readOrMakeToken(file),
    findToken: restTokens(paths.restTokens).find,
    isRevoked: async (sha256) => (await revokedKeys(session)).has(sha256),
    issuer,
    tls,
  })
  if (enrollListen === undefined) return { url, tokenFile: file, close }
  const enrolment = await serveEnrolment({ session, listen: enrollListen, issuer }).catch(async (error: unknown) => {
    await close()
    throw error
  })
  const closeBoth = async () => void (await Promise.all([close(), enrolment.close()]))
  return { url, tokenFile: file, enrollUrl: enrolment.url, close: closeBoth }
}
