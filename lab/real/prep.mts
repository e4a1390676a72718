import { ensureVersion } from './cache.js'
for (const v of ['v1.37.2','v1.30.4']) await ensureVersion(v)
