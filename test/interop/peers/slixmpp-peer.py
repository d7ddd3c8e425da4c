"""slixmpp behind lines of JSON: commands come on standard input, what happens goes to standard output (see xmpp-peer.ts)."""

import asyncio
import json
import logging
import sys
from xml.etree import ElementTree

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

NS_QUESTION = "urn:example:question"


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


class Peer(slixmpp.ClientXMPP):
    def __init__(self, options):
        super().__init__(f"{options['jid']}/{options['resource']}", options["password"])
        self.options = options
        self.ca_certs = options["certificate"]
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0092", {"software_name": "slixmpp", "version": slixmpp.__version__, "os": "a test"})
        self.register_plugin("xep_0199", {"keepalive": False})
        self.add_event_handler("session_start", self.started)
        # Each mechanism may fail before one succeeds: only the last failure is a refusal.
        self.failures = []
        self.add_event_handler("failed_auth", self.failed)
        self.add_event_handler("failed_all_auth", lambda _: tell("refused", condition=self.failures[-1] if self.failures else None))
        self.add_event_handler("connection_failed", lambda why: tell("unreachable", text=str(why)))
        self.add_event_handler("stream_error", lambda error: tell("streamError", condition=error["condition"]))
        self.add_event_handler("message", self.message)
        self.add_event_handler("message_error", self.message)
        self.add_event_handler("disconnected", lambda _: tell("disconnected"))
        # The test says yes or no, not the library.
        self.auto_authorize = None
        self.auto_subscribe = False
        self.add_event_handler("roster_update", self.listed)
        self.register_handler(Callback("presence", MatchXPath("{jabber:client}presence"), self.presence))
        self.register_handler(Callback("question", MatchXPath(f"{{jabber:client}}iq/{{{NS_QUESTION}}}question"), self.asked))

    def failed(self, failure):
        self.failures.append(failure["condition"])
        print(f"{self['feature_mechanisms'].mech.name} failed: {failure['condition']}", file=sys.stderr)

    async def started(self, _):
        cipher = self.socket.cipher() if hasattr(self.socket, "cipher") else None
        if self.options.get("roster"):
            await self.get_roster()
        if self.options["presence"]:
            self.send_presence()
        mechanism = self["feature_mechanisms"].mech
        tell("online", jid=str(self.boundjid), mechanism=mechanism.name if mechanism else None, cipher=cipher[0] if cipher else None)

    def message(self, message):
        error = message["error"] if message["type"] == "error" else None
        tell(
            "message",
            **{"from": str(message["from"]), "to": str(message["to"])},
            id=message["id"],
            type=message["type"],
            body=message["body"],
            subject=message["subject"],
            condition=error["condition"] if error else None,
            errorType=error["type"] if error else None,
            text=error["text"] if error else None,
            xml=ElementTree.tostring(message.xml, encoding="unicode"),
        )

    def listed(self, iq):
        for item in iq.xml.iter("{jabber:iq:roster}item"):
            ask = " ask" if item.get("ask") else ""
            tell("roster", jid=item.get("jid"), type=item.get("subscription", "none") + ask)

    def presence(self, presence):
        tell(
            "presence",
            **{"from": str(presence["from"]), "to": str(presence["to"])},
            # slixmpp's own "type" is the show where there is one.
            type=presence.xml.get("type") or "available",
            show=presence["show"],
            text=presence["status"],
            condition=presence["error"]["condition"] if presence.xml.get("type") == "error" else None,
            xml=ElementTree.tostring(presence.xml, encoding="unicode"),
        )

    def asked(self, iq):
        if iq["type"] not in ("get", "set"):
            return
        tell("asked", **{"from": str(iq["from"])}, id=iq["id"])

    async def ask(self, command):
        iq = self.make_iq_get(ito=command["to"])
        iq["id"] = command["id"]
        iq.append(ElementTree.Element(f"{{{command['ns']}}}{command['name']}"))
        try:
            result = await iq.send(timeout=60)
        except IqError as error:
            tell("answered", id=command["id"], condition=error.iq["error"]["condition"], text=error.iq["error"]["text"])
            return
        except IqTimeout:
            tell("answered", id=command["id"], condition="no answer")
            return
        payload = next(iter(result.xml), None)
        children = {child.tag.split("}")[-1]: child.text or "" for child in payload} if payload is not None else {}
        tell("answered", id=command["id"], **{"from": str(result["from"])}, children=children)

    def do(self, command):
        what = command["do"]
        if what == "message":
            message = self.make_message(mto=command["to"], mbody=command["body"], mtype=command.get("type", "chat"))
            message["id"] = command["id"]
            message.send()
        elif what == "xml":
            self.send_raw(command["xml"])
            tell("wrote")
        elif what == "presence":
            self.send_presence(
                pto=command.get("to"), ptype=command.get("type"), pshow=command.get("show"), pstatus=command.get("text")
            )
        elif what == "ask":
            self.loop.create_task(self.ask(command))
        elif what == "answer":
            iq = self.make_iq_result(id=command["id"], ito=command["to"])
            answer = ElementTree.Element(f"{{{NS_QUESTION}}}question")
            ElementTree.SubElement(answer, f"{{{NS_QUESTION}}}answer").text = command["text"]
            iq.append(answer)
            iq.send()
        elif what == "leave":
            self.disconnect()
        else:
            tell("mistake", text=f"unknown command {what}")


async def commands(peer):
    reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
    # The loop keeps only weak references: without these two names the reader is collected while it waits.
    peer.input = await peer.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        peer.do(json.loads(line))
    peer.disconnect()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    options = json.loads(sys.stdin.readline())
    peer = Peer(options)
    peer.connect(address=(options["host"], options["port"]))
    peer.reading = peer.loop.create_task(commands(peer))
    peer.loop.run_until_complete(peer.disconnected)
