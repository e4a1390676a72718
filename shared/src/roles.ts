/** The roles of certificates of the fleet and of tokens of REST. What each may call stands in two tables: agent/src/server/access.ts, coordinator/src/rest/access-table.ts. */
export const roles = ['observer', 'operator', 'approver', 'enroller', 'auditor'] as const
export type Role = (typeof roles)[number]

/** Organisation (O) of a certificate with that role. */
export const organisationOf = (role: Role): string => `quorate:${role}`

/** The roles that the organisations of a certificate name. A node's own certificate (`quorate:node`) has none. */
export const rolesIn = (organisations: readonly string[]): readonly Role[] =>
  roles.filter((role) => organisations.includes(organisationOf(role)))

/** Names of tokens, and of persons in certificates: equal names are one person. */
export const isPersonName = (name: string): boolean => /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name)
