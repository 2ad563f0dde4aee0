from standardwebhooks.webhooks import Webhook

def receive(secret, headers, body):
    """The audit; raises when it is not genuine, or older than five minutes."""
    return Webhook(secret).verify(body, headers)["audit"]
