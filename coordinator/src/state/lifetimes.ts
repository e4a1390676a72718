/** Days for which the coordinator's own certificate is issued. */
export const coordinatorDays = 825
/** Days for which the certificate of a node is issued. */
export const nodeDays = 825
