from fakes_speech import whisper

__all__ = ["whisper"]
