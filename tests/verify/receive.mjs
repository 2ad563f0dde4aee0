import { Webhook } from "standardwebhooks";

/** The audit; throws when it is not genuine, or older than five minutes. */
export function receive(secret, headers, body) {
  return new Webhook(secret).verify(body, headers).audit;
}
