"""The questionnaire engine. Pure: a form in, a questionnaire out; answers in, the next question out."""
