//! The texts that every partner has.
//!
//! Invariant: each of them obeys the rules for partners' own texts, which a test sees to.

use super::Part;

/// One locale's texts, its words for times, and who reads them aloud.
pub(super) struct Texts {
    pub(super) locale: &'static str,
    sms: &'static str,
    voice: &'static str,
    email_subject: &'static str,
    email_body: &'static str,
    purpose_phone: &'static str,
    purpose_email: &'static str,
    minutes: [&'static str; 2],
    hours: [&'static str; 2],
}

pub(super) const ALL: [Texts; 6] = [
    Texts {
        locale: "en-GB",
        sms: "{code} is your code to {purpose}. It lasts {life}. Never share it, not even with us.",
        voice: "Hello. Here is your code to {purpose}. {code} Once more. {code} It lasts {life}. Never share it. Goodbye.",
        email_subject: "Your code to {purpose}",
        email_body: "{code} is your code to {purpose}.\n\nIt lasts {life}. Never share it, not even with us.\n\nIf you did not ask for it, ignore this message.\n",
        purpose_phone: "confirm your phone number",
        purpose_email: "confirm your e-mail address",
        minutes: ["minute", "minutes"],
        hours: ["hour", "hours"],
    },
    Texts {
        locale: "en-US",
        sms: "{code} is your code to {purpose}. It expires in {life}. Never share it, not even with us.",
        voice: "Hello. Here is your code to {purpose}. {code} Once more. {code} It expires in {life}. Never share it. Goodbye.",
        email_subject: "Your code to {purpose}",
        email_body: "{code} is your code to {purpose}.\n\nIt expires in {life}. Never share it, not even with us.\n\nIf you did not ask for it, ignore this message.\n",
        purpose_phone: "confirm your phone number",
        purpose_email: "confirm your email address",
        minutes: ["minute", "minutes"],
        hours: ["hour", "hours"],
    },
    Texts {
        locale: "de-DE",
        sms: "{code} ist Ihr Code, um {purpose}. Er gilt {life}. Geben Sie ihn niemandem weiter, auch uns nicht.",
        voice: "Guten Tag. Hier ist Ihr Code, um {purpose}. {code} Noch einmal. {code} Er gilt {life}. Geben Sie ihn niemandem weiter. Auf Wiederhören.",
        email_subject: "Ihr Code, um {purpose}",
        email_body: "{code} ist Ihr Code, um {purpose}.\n\nEr gilt {life}. Geben Sie ihn niemandem weiter, auch uns nicht.\n\nFalls Sie ihn nicht angefordert haben, ist nichts zu tun.\n",
        purpose_phone: "Ihre Telefonnummer zu bestätigen",
        purpose_email: "Ihre E-Mail-Adresse zu bestätigen",
        minutes: ["Minute", "Minuten"],
        hours: ["Stunde", "Stunden"],
    },
    Texts {
        // The GSM alphabet has no í, ó or ú: a single one would cut a message to 70 characters.
        locale: "es-ES",
        sms: "{code} es su clave para {purpose}. Vale {life}. No la comparta con nadie.",
        voice: "Hola. Esta es su clave para {purpose}. {code} Otra vez. {code} Vale {life}. No la comparta con nadie. Adiós.",
        email_subject: "Su clave para {purpose}",
        email_body: "{code} es su clave para {purpose}.\n\nVale {life}. No la comparta con nadie, tampoco con nosotros.\n\nSi no la ha pedido, no tiene que hacer nada.\n",
        purpose_phone: "confirmar su teléfono",
        purpose_email: "confirmar su dirección de correo",
        minutes: ["minuto", "minutos"],
        hours: ["hora", "horas"],
    },
    Texts {
        locale: "fr-FR",
        sms: "{code} est votre code pour {purpose}. Il est valable {life}. Ne le communiquez à personne.",
        voice: "Bonjour. Voici votre code pour {purpose}. {code} Encore une fois. {code} Il est valable {life}. Ne le communiquez à personne. Au revoir.",
        email_subject: "Votre code pour {purpose}",
        email_body: "{code} est votre code pour {purpose}.\n\nIl est valable {life}. Ne le communiquez à personne, pas même à nous.\n\nSi vous ne l'avez pas demandé, ignorez ce message.\n",
        purpose_phone: "confirmer votre numéro de téléphone",
        purpose_email: "confirmer votre adresse e-mail",
        minutes: ["minute", "minutes"],
        hours: ["heure", "heures"],
    },
    Texts {
        locale: "it-IT",
        sms: "{code} è il suo codice per {purpose}. Vale {life}. Non lo comunichi a nessuno.",
        voice: "Buongiorno. Ecco il suo codice per {purpose}. {code} Ancora una volta. {code} Vale {life}. Non lo comunichi a nessuno. Arrivederci.",
        email_subject: "Il suo codice per {purpose}",
        email_body: "{code} è il suo codice per {purpose}.\n\nVale {life}. Non lo comunichi a nessuno, nemmeno a noi.\n\nSe non lo ha chiesto, ignori questo messaggio.\n",
        purpose_phone: "confermare il suo numero di telefono",
        purpose_email: "confermare il suo indirizzo e-mail",
        minutes: ["minuto", "minuti"],
        hours: ["ora", "ore"],
    },
];

/// Voices of Amazon Polly that calls can be made with, by the beginning of the locale; the first that fits speaks. Any other
/// language is read by the British one.
const VOICES: [(&str, &str); 13] = [
    ("en-US", "JOANNA"),
    ("cy", "GWYNETH"),
    ("da", "NAJA"),
    ("de", "VICKI"),
    ("en", "AMY"),
    ("es", "LUCIA"),
    ("fr", "LEA"),
    ("it", "BIANCA"),
    ("nl", "LOTTE"),
    ("pl", "EWA"),
    ("pt", "INES"),
    ("ro", "CARMEN"),
    ("sv", "ASTRID"),
];

impl Texts {
    const fn part(&self, part: Part) -> &'static str {
        match part {
            Part::Sms => self.sms,
            Part::Voice => self.voice,
            Part::EmailSubject => self.email_subject,
            Part::EmailBody => self.email_body,
            Part::PurposePhone => self.purpose_phone,
            Part::PurposeEmail => self.purpose_email,
        }
    }
}

pub(super) fn text(locale: &str, part: Part) -> Option<&'static str> {
    ALL.iter().find(|texts| texts.locale == locale).map(|texts| texts.part(part))
}

pub(super) fn text_of_language(language: &str, part: Part) -> Option<&'static str> {
    of_language(language).map(|texts| texts.part(part))
}

fn of_language(language: &str) -> Option<&'static Texts> {
    ALL.iter().find(|texts| texts.locale.starts_with(language))
}

/// How long a code lasts, in the words of a language: whole minutes, and whole hours from two hours on. Rounded down,
/// because a code that ends before it said so is worse than one that lasts longer.
pub(super) fn life(language: &str, seconds: i64) -> String {
    let texts = of_language(language).unwrap_or(&ALL[0]);
    let minutes = (seconds / 60).max(1);
    let (count, words) =
        if minutes >= 120 { (minutes / 60, texts.hours) } else { (minutes, texts.minutes) };
    format!("{count} {}", words[usize::from(count != 1)])
}

pub(super) fn voice(locale: &str) -> &'static str {
    let known = VOICES.iter().find(|(beginning, _)| locale.starts_with(beginning));
    known.map_or("AMY", |(_, voice)| voice)
}
