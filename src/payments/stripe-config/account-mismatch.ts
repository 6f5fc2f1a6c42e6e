/**
 * SQL: whether Stripe named another account for the secret key with this fingerprint than for the key that is stored now. What is unknown of
 * either never differs. @param of the row that has `project_id`, `mode` and the fingerprint in `column`
 */
export const isOfOtherAccount = (of: string, column: string) => `EXISTS (SELECT 1 FROM stripe_key_accounts former
  JOIN stripe_credentials stored ON stored.project_id = former.project_id AND stored.mode = former.mode
    AND stored.kind = 'secret_key' AND stored.slot = 0
  JOIN stripe_key_accounts present ON present.project_id = stored.project_id AND present.mode = stored.mode
    AND present.fingerprint = stored.fingerprint
  WHERE former.project_id = ${of}.project_id AND former.mode = ${of}.mode AND former.fingerprint = ${of}.${column}
    AND present.account_id <> former.account_id)`;
