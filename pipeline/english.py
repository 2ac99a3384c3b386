"""What English gives away about a conversation: words that carry no topic, and phrases that open one.

Other languages have no such list yet: there the same cues simply never fire.
"""

import re

_COMMON = """
a about above after again against all am an and any are aren't as at be because been before being below between both but by can
can't cannot could couldn't did didn't do does doesn't doing don't down during each few for from further had hadn't has hasn't have
haven't having he he'd he'll he's her here here's hers herself him himself his how how's i i'd i'll i'm i've if in into is isn't it
it's its itself let's me more most my myself no nor not of off on once only or other ought our ours ourselves out over own same she
should shouldn't so some such than that that's the their theirs them themselves then there there's these they they'd they'll
they're they've this those through to too under until up very was wasn't we we'd we'll we're we've were weren't what what's when
where which while who who's whom why will with won't would wouldn't you you'd you'll you're you've your yours yourself also one get
got much many even still well us
"""
_TALK = """
yeah okay ok like just really think know going want lot kind right actually maybe sure things thing people good way work don ve ll
re say said let make need yes oh um uh mean did
"""
STOP_WORDS = frozenset((_COMMON + _TALK).split())

_PALE = """
question questions example examples time today bit couple talk talking guess different start started someone everyone anything
something everything basically definitely probably interesting important course happened point case stuff able back big clear day
days else enjoy episode final first hour hours idea last little long main minute minutes month months new next nice old part perfect
reason second sense side sort step thanks thank welcome whole word words year years
"""
# Too weak to name a chapter.
PALE_WORDS = STOP_WORDS | frozenset(_PALE.split())

CUE = re.compile(
    r"\b(next (question|topic|one)|another (question|thing|topic)|question (is|from|about|here)|we have (a|another|some) question|"
    r"there('| i)s (a|another) question|let'?s (talk|move|go|start|switch|come)|moving on|move on|speaking of|coming back|"
    r"going back|(i|we) (also )?(wanted|want) to (ask|talk)|before we (go|wrap|finish|start)|tell us|wrap(ping)? up|last question|"
    r"i('m| am) curious|what about|how about|let me ask|any (other|final|last)|anything else|can you tell|how did you|"
    r"i (noticed|saw|read)|also)\b"
)
THANKS = re.compile(r"\b(thanks|thank you|bye|good luck|have a (nice|great))\b")
OPENER = re.compile(r"^(okay|ok|so|and|right|yeah|great|cool|interesting|alright|all right|perfect|nice|awesome|thanks)\b")
SUFFIX = re.compile(r"(ing|ed|es|s)\b")
