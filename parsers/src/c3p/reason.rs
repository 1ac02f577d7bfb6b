//! Why a command failed: the words of `reason`, as UCMA names them with a small first letter on the wire.

/// What a reason says, in words; `None` for words not known.
pub fn reason_words(reason: &str) -> Option<&'static str> {
    REASONS.iter().find(|(name, _)| reason.eq_ignore_ascii_case(name)).map(|(_, words)| *words)
}

const REASONS: &[(&str, &str)] = &[
    ("anonymousUsersNotAllowed", "anonymous users are not allowed"),
    ("anotherRecordingInProgress", "another recording is in progress"),
    ("conferenceDoesNotExist", "the conference does not exist"),
    ("conferenceExists", "the conference exists already"),
    ("endpointDoesNotExist", "the endpoint does not exist"),
    ("entitySettingsTooLarge", "the settings of the entity are too large"),
    ("federatedUsersNotAllowed", "federated users are not allowed"),
    ("forbidden", "forbidden"),
    ("invalidAdmissionPolicy", "the admission policy is not valid"),
    ("invalidConferenceId", "the conference id is not valid"),
    ("invalidEncryptionKey", "the encryption key is not valid"),
    ("invalidExpiryTime", "the expiry time is not valid"),
    ("invalidPasscode", "the passcode is not valid"),
    ("invalidRole", "the role is not valid"),
    ("invalidUserEntity", "the user is not valid"),
    ("invalidVersion", "the version is not valid"),
    ("maximumConferencesExceeded", "the user has as many conferences as allowed"),
    ("maximumMeetingSizeExceeded", "the meeting is as large as allowed"),
    ("mcuTypeNotAvailable", "no conferencing server of this kind is available"),
    ("mediaDoesNotExist", "the medium does not exist"),
    ("mediaExists", "the medium exists already"),
    ("mediaNotSupported", "the medium is not supported"),
    ("notificationDataTooLarge", "the data of the notification is too large"),
    ("notSupported", "not supported"),
    ("organizerRoamingDataTooLarge", "the roaming data of the organizer is too large"),
    ("otherFailure", "another failure"),
    ("userDoesNotExist", "the user is not in the conference"),
];
