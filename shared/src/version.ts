/** Version of this program; written in when it is packaged. Agents and coordinator of one version speak the same wire contract. */
export const version: string = process.env['QUORATE_VERSION'] ?? '0.1.0'
