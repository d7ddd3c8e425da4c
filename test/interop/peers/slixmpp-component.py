"""slixmpp as a component (XEP-0114) that says everything back: domain, secret, host and port come as arguments, lines of JSON go out."""

import json
import sys

import slixmpp
from slixmpp.componentxmpp import ComponentXMPP


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


class Component(ComponentXMPP):
    def __init__(self, domain, secret, host, port):
        super().__init__(domain, secret, host, int(port))
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0092", {"software_name": "slixmpp", "version": slixmpp.__version__, "os": "a test"})
        self.auto_authorize = True
        self.auto_subscribe = False
        self.add_event_handler("session_start", lambda _: tell("online"))
        self.add_event_handler("stream_error", lambda error: tell("refused", condition=error["condition"]))
        self.add_event_handler("disconnected", lambda _: tell("disconnected"))
        self.add_event_handler("message", self.message)
        self.add_event_handler("presence_subscribe", self.subscribed)

    def message(self, message):
        if message["type"] == "error":
            return
        tell("message", **{"from": str(message["from"]), "to": str(message["to"])}, body=message["body"])
        message.reply(f"you said: {message['body']}").send()

    def subscribed(self, presence):
        self.send_presence(pfrom=presence["to"], pto=presence["from"].bare, ptype="subscribed")
        self.send_presence(pfrom=presence["to"], pto=presence["from"].bare, pstatus="at the service")


component = Component(*sys.argv[1:5])
component.connect()
component.process(forever=True)
