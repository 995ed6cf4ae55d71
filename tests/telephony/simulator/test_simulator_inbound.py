"""Citizens call in: menus, queues, conversations with an agent, and every way a call can end."""

LINE = "+390550001111"
CITIZEN = "+393331234567"

VOICE = """<Response><Say language="it-IT">Benvenuti.</Say>
<Gather action="/menu" numDigits="1" timeout="5"><Say>Premi uno.</Say></Gather><Redirect>/voice</Redirect>
</Response>"""
QUEUE = '<Response><Enqueue action="/queue-left" waitUrl="/waiting">main</Enqueue></Response>'
WAITING = "<Response><Say>Attendi.</Say><Play>/music.mp3</Play></Response>"
ROOM = "conf-1"
JOIN = f"""<Response><Dial action="/dial-done"><Conference participantLabel="customer" beep="false"
endConferenceOnExit="true" statusCallback="/ignored" statusCallbackEvent="join leave">{ROOM}</Conference></Dial>
</Response>"""


def invite(world, **more):
    """Dial the agent into the room, as the product does."""
    fields = {
        "From": LINE, "To": "client:agent1", "Label": "agent", "EarlyMedia": "false", "Beep": "false",
        "StartConferenceOnEnter": "true", "EndConferenceOnExit": "false", "Timeout": "20",
        "StatusCallback": world.address("/agent-status"),
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "ConferenceStatusCallback": world.address("/room"),
        "ConferenceStatusCallbackEvent": ["start", "end", "join", "leave", "mute", "hold"],
    }  # fmt: skip
    return world.rest("POST", f"/Conferences/{ROOM}/Participants.json", 201, **(fields | more))


def waiting_call(world, *script):
    """A citizen who has chosen and waits in the queue."""
    world.product.pages |= {"/voice": VOICE, "/menu": QUEUE, "/waiting": WAITING, "/join": JOIN}
    world.product.pages |= {"/queue-left": "<Response/>", "/dial-done": "<Response/>"}
    sid = world.call_in({"say_digits": "1"}, *script)
    world.product.wait("/waiting", CallSid=sid)
    return sid


def conversation(world):
    """A citizen and agent1 talking: the call's sid, the agent's leg, the softphone."""
    caller = waiting_call(world)
    phone = world.phone()
    leg = invite(world)
    incoming = phone.expect("incoming")
    assert incoming["call_sid"] == leg["call_sid"]
    phone.say("accept", leg["call_sid"])
    phone.expect("connected")
    world.product.wait("/room", StatusCallbackEvent="participant-join", ParticipantLabel="agent")
    world.rest("POST", f"/Calls/{caller}.json", Url=world.address("/join"))
    world.product.wait("/room", StatusCallbackEvent="participant-join", ParticipantLabel="customer")
    return caller, leg, phone


LISTENS = """<Response><Gather action="/menu" input="dtmf speech" language="it-IT" hints="pagare" timeout="5">
<Say>Dica, o prema uno.</Say></Gather><Redirect>/voice</Redirect></Response>"""


def test_words_are_heard_where_somebody_listens(world):
    world.product.pages |= {"/voice": LISTENS, "/menu": "<Response><Hangup/></Response>"}
    world.call_in({"say_words": "vorrei pagare"})
    said = world.product.wait("/menu").params
    assert (said["SpeechResult"], said["Digits"]) == ("vorrei pagare", "")
    assert 0 < float(said["Confidence"]) <= 1


def test_words_said_to_a_menu_of_keys_are_not_heard(world):
    world.product.pages |= {"/voice": VOICE, "/menu": "<Response><Hangup/></Response>"}
    world.call_in({"say_words": "vorrei pagare"}, {"say_digits": "1"})
    said = world.product.wait("/menu").params
    assert (said.get("SpeechResult"), said["Digits"]) == (None, "1")


def test_a_call_from_the_menu_to_an_agent_and_back(world):
    caller, leg, phone = conversation(world)

    first = world.product.all("/voice")[0].params
    assert (first["CallStatus"], first["Direction"], first["From"]) == ("ringing", "inbound", CITIZEN)
    assert first["FromCity"] == ""
    assert world.product.wait("/menu").params["Digits"] == "1"
    waiting = world.product.wait("/waiting").params
    assert (waiting["QueuePosition"], waiting["CurrentQueueSize"]) == ("1", "1")
    assert world.product.wait("/queue-left").params["QueueResult"] == "redirected"
    world.product.wait("/room", StatusCallbackEvent="conference-start")
    assert world.product.all("/ignored") == []  # the first participant's callback is the conference's
    assert world.see(caller)["place"] == "conversation"

    world.hang_up(caller)
    phone.expect("ended")
    assert world.product.wait("/dial-done").params["DialCallStatus"] == "answered"
    left = world.product.wait("/room", StatusCallbackEvent="participant-leave", ParticipantLabel="customer")
    assert left.params["ReasonParticipantLeft"] == "participant_hung_up"
    ended = world.product.wait("/room", StatusCallbackEvent="conference-end").params
    assert ended["ReasonConferenceEnded"] == "participant-with-end-conference-on-exit-left"
    assert world.product.wait("/number-status").params["CallStatus"] == "completed"
    world.product.wait("/agent-status", CallStatus="completed")
    told = [t.params for t in world.product.all("/agent-status") if t.params["CallSid"] == leg["call_sid"]]
    assert [t["CallStatus"] for t in told] == ["initiated", "ringing", "in-progress", "completed"]
    assert [t["SequenceNumber"] for t in told] == ["0", "1", "2", "3"]
    assert "CallDuration" in told[-1]
    sequence = [int(t.params["SequenceNumber"]) for t in world.product.all("/room")]
    assert sequence == sorted(sequence)


def test_the_transcript_holds_what_was_heard(world):
    sid = waiting_call(world)
    lines = [(line["kind"], line["text"]) for line in world.see(sid)["transcript"]]
    assert ("say", "Benvenuti.") in lines
    assert ("digits", "1") in lines
    world.product.wait("/waiting", count=3)  # requested again each time it ends


def test_every_request_carries_an_idempotency_token(world):
    waiting_call(world)
    tokens = [told.headers["i-twilio-idempotency-token"] for told in world.product.told]
    assert len(set(tokens)) == len(tokens)


def test_the_caller_gives_up_in_the_queue(world):
    sid = waiting_call(world, {"patience_s": 5})
    gone = world.product.wait("/queue-left", CallSid=sid).params
    assert (gone["QueueResult"], gone["CallStatus"]) == ("hangup", "completed")
    world.product.wait("/number-status", CallSid=sid, CallStatus="completed")


def test_the_agents_ringing_is_cancelled(world):
    waiting_call(world)
    phone = world.phone()
    leg = invite(world)
    phone.expect("incoming")
    world.rest("POST", f"/Calls/{leg['call_sid']}.json", Status="canceled")
    assert phone.expect("cancel")["call_sid"] == leg["call_sid"]
    world.product.wait("/agent-status", CallStatus="canceled")
    left = world.product.wait("/room", StatusCallbackEvent="participant-leave").params
    assert left["ReasonParticipantLeft"] == "participant_add_failed"
    assert left["ParticipantCallStatus"] == "canceled"


def test_an_agent_who_does_not_answer(world):
    waiting_call(world)
    phone = world.phone()
    invite(world, Timeout="5")
    phone.expect("incoming")
    phone.expect("cancel")
    world.product.wait("/agent-status", CallStatus="no-answer")


def test_an_agent_who_refuses(world):
    waiting_call(world)
    phone = world.phone()
    leg = invite(world)
    phone.expect("incoming")
    phone.say("reject", leg["call_sid"])
    world.product.wait("/agent-status", CallStatus="busy")


def test_a_softphone_that_is_not_registered(world):
    invite(world)
    failed = world.product.wait("/agent-status", CallStatus="no-answer").params
    assert failed["SipResponseCode"] == "480"
    assert [t.params["CallStatus"] for t in world.product.all("/agent-status")] == ["initiated", "no-answer"]


def test_a_redirect_after_the_end_is_21220(world):
    sid = waiting_call(world)
    world.hang_up(sid)
    world.product.wait("/number-status", CallSid=sid)
    refused = world.rest("POST", f"/Calls/{sid}.json", 400, Url=world.address("/join"))
    assert refused["code"] == 21220
    assert refused["message"] == "Call is not in-progress. Cannot redirect."


def test_hold_unhold_mute_and_removal(world):
    caller, leg, phone = conversation(world)
    room = leg["conference_sid"]
    world.product.pages["/hold"] = "<Response><Play>hold.mp3</Play></Response>"
    path = f"/Conferences/{room}/Participants/{caller}.json"

    assert world.rest("POST", path, Hold="true", HoldUrl=world.address("/hold"))["hold"] is True
    world.product.wait("/room", StatusCallbackEvent="participant-hold")
    assert world.product.wait("/hold").method == "GET"
    assert world.rest("POST", path, EndConferenceOnExit="false")["end_conference_on_exit"] is True  # held
    world.rest("POST", path, Hold="false")
    world.product.wait("/room", StatusCallbackEvent="participant-unhold")
    assert world.rest("POST", f"/Conferences/{room}/Participants/customer.json", Muted="true")["muted"]
    world.product.wait("/room", StatusCallbackEvent="participant-mute")

    world.rest("DELETE", f"/Conferences/{room}/Participants/agent.json", 204)
    phone.expect("ended")
    left = world.product.wait("/room", StatusCallbackEvent="participant-leave", ParticipantLabel="agent")
    assert left.params["ReasonParticipantLeft"] == "participant_updated_via_api"
    assert world.see(caller)["live"]


def test_a_label_is_used_once(world):
    conversation(world)
    assert (
        world.rest(
            "POST", f"/Conferences/{ROOM}/Participants.json", 400,
            From=LINE, To="client:agent2", Label="agent",
        )["code"]
        == 16025
    )  # fmt: skip


def test_a_conference_ended_by_the_api(world):
    caller, leg, phone = conversation(world)
    room = leg["conference_sid"]
    assert world.rest("POST", f"/Conferences/{room}.json", Status="completed")["status"] == "completed"
    phone.expect("ended")
    ended = world.product.wait("/room", StatusCallbackEvent="conference-end").params
    assert ended["ReasonConferenceEnded"] == "conference-ended-via-api"
    assert world.product.wait("/dial-done", CallSid=caller)
    world.until(caller, lambda view: not view["live"])


def test_no_digits_falls_through(world):
    world.product.pages["/voice"] = '<Response><Gather action="/menu" timeout="1"/><Say>Non ho capito.</Say></Response>'
    sid = world.call_in()
    view = world.until(sid, lambda view: not view["live"])
    assert "Non ho capito." in [line["text"] for line in view["transcript"]]
    assert world.product.all("/menu") == []


def test_digits_ended_by_a_key(world):
    world.product.pages["/voice"] = '<Response><Gather action="/notice" finishOnKey="#"/></Response>'
    world.product.pages["/notice"] = "<Response><Hangup/></Response>"
    world.call_in({"say_digits": "301234567890123456#"})
    assert world.product.wait("/notice").params["Digits"] == "301234567890123456"


def test_digits_inside_the_queue_can_leave_it(world):
    world.product.pages |= {
        "/voice": QUEUE,
        "/waiting": '<Response><Gather numDigits="1" action="/leave"><Play>m.mp3</Play></Gather></Response>',
        "/leave": "<Response><Leave/></Response>",
        "/queue-left": "<Response><Say>Ti richiamiamo.</Say></Response>",
    }
    sid = world.call_in({"say_digits": "9"})
    left = world.product.wait("/queue-left").params
    assert left["QueueResult"] == "leave"
    view = world.until(sid, lambda view: not view["live"])
    assert "Ti richiamiamo." in [line["text"] for line in view["transcript"]]


def test_a_rejected_call_is_never_answered(world):
    world.product.pages["/voice"] = '<Response><Reject reason="busy"/></Response>'
    sid = world.call_in()
    assert world.product.wait("/number-status").params["CallStatus"] == "busy"
    assert world.see(sid)["answered"] is None


def test_a_recorded_message(world):
    world.product.pages["/voice"] = (
        '<Response><Record action="/recorded" timeout="1" recordingStatusCallback="/recording"/></Response>'
    )
    world.product.pages["/recorded"] = "<Response/>"
    world.call_in()
    recorded = world.product.wait("/recorded").params
    ready = world.product.wait("/recording").params
    assert ready["RecordingStatus"] == "completed"
    assert ready["RecordingSid"] == recorded["RecordingSid"]
    assert world.http.get(ready["RecordingUrl"]).content[:4] == b"RIFF"
