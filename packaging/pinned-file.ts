import { sha256Of } from './checksums.js'

/** The path, if the file has that sha256. */
export function requireSha256(path: string, { sha256 }: { readonly sha256: string }): string {
  const found = sha256Of(path)
  if (found === sha256) return path
  throw new Error(`${path} is not the pinned file: its sha256 is ${found}, not ${sha256}. Nothing was packaged`)
}
