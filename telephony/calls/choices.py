"""What an agent says a call was about, and how it went. Topics are the regional contract's (Anci Toscana 4.1.1)."""

from enum import StrEnum


class Topic(StrEnum):
    INJUNCTION = "injunction"
    PRECAUTIONARY = "precautionary"
    INSTALMENTS = "instalments"
    RELIEF = "relief"
    SUSPENSION = "suspension"
    ANNULMENT = "annulment"
    REMINDER = "reminder"
    NOTIFICATION = "notification"
    PAYMENT = "payment"
    LITIGATION = "litigation"
    APPOINTMENT = "appointment"
    FORMS = "forms"
    ACCESS = "access"
    SELF_CORRECTION = "self_correction"
    MAIL = "mail"
    COMPLAINT = "complaint"  # spoken ones too (Intercent-ER 2.4, Ser.Com 9)
    OTHER = "other"


class Disposition(StrEnum):
    ANSWERED = "answered"
    WILL_PAY = "will_pay"
    ALREADY_PAID = "already_paid"
    REQUEST = "request"
    REDIRECTED = "redirected"
    WRONG_PERSON = "wrong_person"
    DROPPED = "dropped"
