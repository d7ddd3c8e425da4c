"""One login by slixmpp or aioxmpp with the mechanism a test names; what came of it goes to standard output as JSON (see mechanisms.test.ts)."""

import asyncio
import json
import sys


def tell(**fields):
    print(json.dumps(fields), flush=True)


def slixmpp_login(options):
    import slixmpp

    class Peer(slixmpp.ClientXMPP):
        def __init__(self):
            super().__init__(f"{options['jid']}/{options['resource']}", options["password"], sasl_mech=options["mechanism"])
            self.ca_certs = options["certificate"]
            # Shown where the server asks for one.
            self.certfile = options.get("certfile")
            self.keyfile = options.get("keyfile")
            self.failures = []
            self.add_event_handler("session_start", self.started)
            self.add_event_handler("failed_auth", lambda failure: self.failures.append(failure["condition"]))
            self.add_event_handler("failed_all_auth", lambda _: self.over(condition=self.failures[-1] if self.failures else None))
            if "binding" in options:
                mechanisms = self["feature_mechanisms"]
                real = mechanisms.sasl_callback

                def credentials(required, optional):
                    # What somebody in the middle, with a certificate of his own, would have.
                    found = real(required, optional)
                    if "channel_binding" in found:
                        found["channel_binding"] = options["binding"].encode()
                    return found

                mechanisms.sasl_callback = credentials

        def started(self, _):
            self.over(jid=str(self.boundjid), mechanism=self["feature_mechanisms"].mech.name)

        def over(self, **fields):
            tell(**fields)
            self.disconnect()

    peer = Peer()
    peer.connect((options["host"], options["port"]), disable_starttls=False)
    peer.loop.call_later(20, peer.abort)
    peer.process(forever=False)


async def aioxmpp_login(options):
    import aiosasl
    import aioxmpp

    security = aioxmpp.make_security_layer(options["password"], no_verify=True)
    used = []
    provider = security.sasl_providers[0]
    find = provider._find_supported

    def found(*arguments):
        mechanism, token = find(*arguments)
        used.append(token)
        return mechanism, token

    provider._find_supported = found
    where = [(options["host"], options["port"], aioxmpp.connector.STARTTLSConnector())]
    client = aioxmpp.PresenceManagedClient(aioxmpp.JID.fromstr(f"{options['jid']}/{options['resource']}"), security, override_peer=where)
    try:
        async with client.connected():
            tell(jid=str(client.local_jid), mechanism=used[-1] if used else None)
    except aiosasl.AuthenticationFailure as failure:
        tell(condition=failure.opaque_error if isinstance(failure.opaque_error, str) else failure.opaque_error[1])


options = json.loads(sys.argv[1])
if options["library"] == "slixmpp":
    slixmpp_login(options)
else:
    asyncio.run(aioxmpp_login(options))
